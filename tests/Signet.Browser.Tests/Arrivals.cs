using Microsoft.Playwright;

namespace Signet.Browser;

/// <summary>
/// Getting from page to page where a page may also leave by itself: every page of the console goes to the sign-in page as soon as it learns that its session has ended. That breaks off whatever
/// else is under way, which Playwright's own waiting takes for a failure ("net::ERR_ABORTED", "interrupted by another navigation"). What counts is where the browser is in the end.
/// </summary>
internal static class Arrivals
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    /// <summary>Waits until the browser is at this path of any site, whatever the query, and the page is loaded.</summary>
    public static Task ArriveAsync(this IPage page, string path) => page.ArriveAsync(at => at.AbsolutePath == path, path);

    /// <summary>The same of any address; <paramref name="what"/> is for the failure. Not <paramref name="isLoaded"/>: as soon as the browser is there.</summary>
    public static async Task ArriveAsync(this IPage page, Func<Uri, bool> there, string what, bool isLoaded = true)
    {
        await Signet.Testing.Eventually.True(() => there(new(page.Url)), $"the browser, which is at {page.Url}, comes to {what}", Limit);
        if (isLoaded) await LoadedAsync(page);
    }

    /// <summary>Goes to a page although the present one may leave by itself at the same moment.</summary>
    public static Task<IResponse?> GoAsync(this IPage page, string address) => InsistAsync(() => page.GotoAsync(address));

    /// <summary>Loads the present page again although it may leave by itself at the same moment.</summary>
    public static Task<IResponse?> AgainAsync(this IPage page) => InsistAsync(() => page.ReloadAsync());

    /// <summary>Presses a button whose form leads to a page, and waits until that page is loaded. Waiting for the load alone could be answered by the page that is still there.</summary>
    public static async Task PressAsync(this IPage page, ILocator button)
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Arrived(object? _, IFrame frame)
        {
            if (frame == page.MainFrame) arrived.TrySetResult();
        }

        page.FrameNavigated += Arrived;
        try
        {
            await button.ClickAsync();
            await arrived.Task.WaitAsync(Limit);
        }
        finally
        {
            page.FrameNavigated -= Arrived;
        }

        await LoadedAsync(page);
    }

    // The event may have come in the moment before it was waited for; what counts is the browser's own word.
    private static async Task LoadedAsync(IPage page)
    {
        for (var left = 4; ; left--)
        {
            try
            {
                await page.WaitForLoadStateAsync(LoadState.Load, new() { Timeout = (float)(Limit / 4).TotalMilliseconds });
                return;
            }
            catch (TimeoutException) when (left > 1)
            {
                if (await page.EvaluateAsync<string>("document.readyState") == "complete") return;
            }
        }
    }

    // A page leaves by itself once: the sign-in page that it goes to stays.
    private static async Task<IResponse?> InsistAsync(Func<Task<IResponse?>> go)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await go();
            }
            catch (PlaywrightException e) when (attempt < 5 && (e.Message.Contains("interrupted by another navigation", StringComparison.Ordinal) || e.Message.Contains("ERR_ABORTED", StringComparison.Ordinal)))
            {
                // The other one was faster.
            }
        }
    }
}

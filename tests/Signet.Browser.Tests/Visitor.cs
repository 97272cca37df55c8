using Microsoft.Playwright;

namespace Signet.Browser;

/// <summary>A person in front of the console. <see cref="Complaints"/> collects every script error, broken rule of the content security policy and failed request.</summary>
public sealed class Visitor : IAsyncDisposable
{
    private readonly ConsoleHouse house;

    public Visitor(IPage page, ConsoleHouse house)
    {
        (Page, this.house) = (page, house);
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning") Complaints.Add($"{page.Url}: {message.Text}");
        };
        page.PageError += (_, error) => Complaints.Add($"{page.Url}: {error}");
    }

    public IPage Page { get; }
    public List<string> Complaints { get; } = [];

    public async Task<Visitor> SignInAsync(string next = "/")
    {
        await Page.GotoAsync("/login?next=" + Uri.EscapeDataString(next));
        await Page.GetByLabel("Name").FillAsync("admin");
        await Page.GetByLabel("Password").FillAsync(house.Password);
        await Page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Page.WaitForURLAsync(url => !url.Contains("/login", StringComparison.Ordinal), new() { WaitUntil = WaitUntilState.Commit });
        return this;
    }

    /// <summary>Types name and password, presses the button and waits for whatever comes.</summary>
    public async Task<Visitor> TrySignInAsync(string name, string password, string next = "/")
    {
        await Page.GotoAsync("/login?next=" + Uri.EscapeDataString(next));
        await Page.Locator("#name").FillAsync(name);
        await Page.Locator("#password").FillAsync(password);
        await PressAsync(Page.Locator("form:has(#password) button"));
        return this;
    }

    /// <summary>Presses a button whose form leads to a page, and waits until that page is loaded. Waiting for the load alone could be answered by the page that is still there.</summary>
    public async Task PressAsync(ILocator button)
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Arrived(object? _, IFrame frame)
        {
            if (frame == Page.MainFrame) arrived.TrySetResult();
        }
        Page.FrameNavigated += Arrived;
        try
        {
            await button.ClickAsync();
            await arrived.Task.WaitAsync(TimeSpan.FromSeconds(30));
        }
        finally
        {
            Page.FrameNavigated -= Arrived;
        }
        await Page.WaitForLoadStateAsync();
    }

    public async ValueTask DisposeAsync() => await Page.Context.DisposeAsync();
}

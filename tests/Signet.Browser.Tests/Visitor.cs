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
        await Page.GoAsync("/login?next=" + Uri.EscapeDataString(next));
        await Page.GetByLabel("Name").FillAsync("admin");
        await Page.GetByLabel("Password").FillAsync(house.Password);
        await Page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Page.ArriveAsync(at => !at.AbsolutePath.StartsWith("/login", StringComparison.Ordinal), "what comes after the sign-in", isLoaded: false);
        return this;
    }

    /// <summary>Types name and password, presses the button and waits for whatever comes.</summary>
    public async Task<Visitor> TrySignInAsync(string name, string password, string next = "/")
    {
        await Page.GoAsync("/login?next=" + Uri.EscapeDataString(next));
        await Page.Locator("#name").FillAsync(name);
        await Page.Locator("#password").FillAsync(password);
        await PressAsync(Page.Locator("form:has(#password) button"));
        return this;
    }

    /// <inheritdoc cref="Arrivals.PressAsync"/>
    public Task PressAsync(ILocator button) => Page.PressAsync(button);

    public async ValueTask DisposeAsync() => await Page.Context.DisposeAsync();
}

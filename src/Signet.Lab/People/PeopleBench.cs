using System.Security.Cryptography;
using Signet.Audit;
using Signet.Control;
using Signet.Web;

namespace Signet.Lab;

/// <summary>The whole house with a console of its own for one attack, with one control left out or none.</summary>
internal sealed class PeopleBench : IAsyncDisposable
{
    private readonly WebConsole _console;
    private readonly long _before;
    private ForgetfulDatabase? _forgetful;

    private PeopleBench(WholeHouse house, WebConsole console, long before) => (House, _console, _before) = (house, console, before);

    public WholeHouse House { get; }
    public Uri Address => _console.ConsoleUrl;

    public static async Task<PeopleBench> StartAsync(LabContext lab, string? without, CancellationToken cancellationToken)
    {
        var house = await lab.HouseAsync(cancellationToken);
        var bench = new PeopleBench(house, await house.StartConsoleAsync(ConsoleParts.Instead(without), cancellationToken), house.Center.Audit.Size);
        if (without == "one-time-use") bench._forgetful = new(Path.Combine(house.Center.Installation.Directory, "signet.db"));
        return bench;
    }

    /// <summary>A browser of somebody nobody knows.</summary>
    public LabBrowser Stranger(string? host = null) => new(Address, House.Center.Judge) { Host = host };

    public async Task<LabBrowser> SignedInAsync(string name, CancellationToken cancellationToken)
    {
        var browser = Stranger();
        if (await browser.SignInAsync(name, House.Passwords[name], cancellationToken)) return browser;
        browser.Dispose();
        throw new LabException($"{name} could not sign in with the right password");
    }

    /// <summary>A script of this person: an API token with the person's role.</summary>
    public async Task<LabBrowser> ScriptAsync(string name, CancellationToken cancellationToken)
    {
        var account = await House.Center.Accounts.FindByNameAsync(name.ToUpperInvariant(), cancellationToken) ?? throw new LabException($"there is no account {name}");
        var made = await House.Center.Tokens.CreateAsync($"lab-{name}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}", account.Role, TimeSpan.FromDays(1), Actor.Terminal, cancellationToken);
        return made.TryGet(out var token, out var refusal) ? new(Address, House.Center.Judge) { Token = token.Secret } : throw new LabException($"no API token for {name}: {refusal.Message}");
    }

    /// <summary>Reason of the latest audit entry of this type since the attack began; null: there is none.</summary>
    public async Task<string?> AuditedAsync(string type, LabContext lab, CancellationToken cancellationToken)
    {
        AuditEntry? found = null;
        await Waiting.UntilAsync(() => (found = House.Center.Audit.QueryAsync(new() { Type = type, Limit = 1 }, cancellationToken).GetAwaiter().GetResult().Entries.FirstOrDefault(e => e.Sequence >= _before)) is not null, lab.Time, cancellationToken);
        return found?.Reason;
    }

    public async ValueTask DisposeAsync()
    {
        _forgetful?.Dispose();
        await _console.StopAsync(CancellationToken.None);
        await _console.DisposeAsync();
    }
}

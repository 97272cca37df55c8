using System.Security.Cryptography;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Signet.Access;
using Signet.Agent;
using Signet.Control;
using Signet.Web;

namespace Signet.Lab;

/// <summary>
/// The secure house whole, composed as <c>signet up --demo</c> composes it: command center with its broker, audit log and database, and three simulated devices, on free loopback
/// ports in a folder of the run. Consoles are started beside it as they are needed, whole or with one part replaced.
/// </summary>
public sealed class WholeHouse : IAsyncDisposable
{
    /// <summary>People of the house.</summary>
    public const string Admin = "anna", Operator = "otto", Viewer = "vera";

    /// <summary>What a guesser may find in a list of passwords that have leaked: the viewer's is among them, far down.</summary>
    public const string ViewersPassword = "correct-horse-battery-9";

    /// <summary>Rounds of the lab's password hashes: the house uses 600,000, which would make a run minutes longer and nothing else.</summary>
    private const int PasswordRounds = 1_000;

    private readonly List<(string Name, CancellationTokenSource Stop, Task Running)> _devices = [];
    private readonly StringWriter _said = new();
    private readonly TimeProvider _time;
    private readonly RandomNumberGenerator _random;

    private WholeHouse(CommandCenter center, TimeProvider time, RandomNumberGenerator random) => (Center, _time, _random) = (center, time, random);

    public CommandCenter Center { get; }

    /// <summary>The devices that run. An attack that got through, with its control left out, may have put others on the list of the center.</summary>
    public IEnumerable<string> Devices => _devices.Select(d => d.Name);

    /// <summary>The administrator's, the operator's and the viewer's password.</summary>
    public IReadOnlyDictionary<string, string> Passwords { get; private set; } = new Dictionary<string, string>();

    /// <summary>What the devices said about themselves, in lines.</summary>
    public string DeviceLines
    {
        get
        {
            lock (_said) return _said.ToString();
        }
    }

    internal static IPasswordHasher<Web.SignIn.Person> Hasher { get; } =
        new PasswordHasher<Web.SignIn.Person>(Options.Create(new PasswordHasherOptions { IterationCount = PasswordRounds }));

    public static async Task<WholeHouse> StartAsync(string directory, TimeProvider time, RandomNumberGenerator random, CancellationToken cancellationToken)
    {
        await Installation.CreateAsync(directory, new() { Demo = true }, time, random, cancellationToken);
        var center = await CommandCenter.OpenAsync(new() { DataDirectory = directory, MqttPort = 0 }, time, random, NullLoggerFactory.Instance, cancellationToken);
        var house = new WholeHouse(center, time, random);
        try
        {
            await center.StartAsync(cancellationToken);
            foreach (var device in center.Fleet.List()) house.SwitchOn(device.Name);
            await house.AddPeopleAsync(cancellationToken);
            if (!await Waiting.UntilAsync(() => center.Fleet.List().All(d => d.CanReceive), time, cancellationToken, LabLimits.Ready))
                throw new LabException("the devices of the secure house did not come online");
            return house;
        }
        catch
        {
            await house.DisposeAsync();
            throw;
        }
    }

    /// <summary>A console of this house on a free port.</summary>
    /// <param name="instead">Leaves a control out by putting another part in its place; null: the console as it is.</param>
    internal Task<WebConsole> StartConsoleAsync(Action<IServiceCollection>? instead, CancellationToken cancellationToken) =>
        WebConsole.StartAsync(Center, new() { ConsolePort = 0, PkiPort = 0, Time = _time, Random = _random }, NullLoggerFactory.Instance, services =>
        {
            services.AddSingleton(Hasher); // the last one registered counts
            instead?.Invoke(services);
        }, cancellationToken);

    private void SwitchOn(string device)
    {
        var stop = new CancellationTokenSource();
        var lines = TextWriter.Synchronized(new Tee(_said));
        _devices.Add((device, stop, Task.Run(() => AgentProgram.RunAsync(new(Center.Installation.DeviceDirectory(device)), TextWriter.Null, lines, _time, _random, stop.Token), CancellationToken.None)));
    }

    private async Task AddPeopleAsync(CancellationToken cancellationToken)
    {
        var passwords = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, role) in new[] { (Admin, Role.Admin), (Operator, Role.Operator), (Viewer, Role.Viewer) })
        {
            passwords[name] = name == Viewer ? ViewersPassword : RandomNumberGenerator.GetHexString(24, lowercase: true);
            var made = await Center.Accounts.CreateAsync(name, Hasher.HashPassword(null!, passwords[name]), role, Actor.Terminal, cancellationToken: cancellationToken);
            if (made.Refusal is { } refusal) throw new LabException($"the account {name} could not be made: {refusal.Message}");
        }
        Passwords = passwords;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (_, stop, _) in _devices) await stop.CancelAsync();
        foreach (var (_, stop, running) in _devices)
        {
            await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            stop.Dispose();
        }
        await Center.DisposeAsync();
    }

    /// <summary>Lines of all devices into one text that is bounded: a soak would fill the memory otherwise.</summary>
    private sealed class Tee(StringWriter into) : TextWriter
    {
        private const int Longest = 4 << 20;

        public override System.Text.Encoding Encoding => System.Text.Encoding.UTF8;

        public override void Write(char value)
        {
            lock (into)
                if (into.GetStringBuilder().Length < Longest) into.Write(value);
        }

        public override void Write(string? value)
        {
            lock (into)
                if (into.GetStringBuilder().Length < Longest) into.Write(value);
        }
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>
/// kill -9 of a broker that is a process of its own (Mosquitto, which forgets what it had not written to its disk) between the publish of a command and its receipt. The command is of a kind that must not run twice
/// (its handler is not idempotent), so the device's own journal tells how often it began. Four kills; thirty with SIGNET_FULL=1.
/// </summary>
public sealed class BrokerKillSpecs : IDisposable
{
    private static readonly int Kills = Environment.GetEnvironmentVariable("SIGNET_FULL") == "1" ? 30 : 4;
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-kill-").FullName;

    private string Data => Path.Combine(_folder, "data");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_command_whose_broker_is_killed_before_the_device_has_read_it_runs_once_and_its_receipt_comes_over_the_next_broker()
    {
        await using var signet = await UpAsync();
        await using var device = await LampAsync();
        device.Pause();
        var sent = await RunAsync("command", "send", "lamp-1", "blink", "--json");
        sent.ExitCode.ShouldBe(0, sent.Error);
        ((string)sent.Json["state"]!).ShouldBe("sent", "the broker took it");
        await UntilAsync(() => Task.FromResult(HasUnread(device.Id)), "the command did not reach the device's socket");

        // And no session of the device on its disk: who begins next does not know the command. Nothing starts it again meanwhile.
        signet.Pause();
        var killed = BrokerOf(signet)!.Value.ToString(CultureInfo.InvariantCulture);
        using (var mosquitto = Process.GetProcessById(BrokerOf(signet)!.Value)) mosquitto.Kill();
        await UntilAsync(() => Task.FromResult(Read($"/proc/{killed}/stat").Contains(") Z", StringComparison.Ordinal)), "killed, and its parent cannot ask for it");
        File.Delete(Directory.EnumerateFiles(Data, "mosquitto.db", SearchOption.AllDirectories).FirstOrDefault() ?? Path.Combine(Data, "none"));
        signet.Continue();
        device.Continue();

        var id = (string)sent.Json["id"]!;
        await UntilAsync(async () => await StateAsync(id) == "executed", "no receipt came");
        Begun()[id].ShouldBe(1);
        (await RunAsync("audit", "verify")).ExitCode.ShouldBe(0);
        device.KillTree();

        // A center that is stopped before it has begun another one.
        using (var mosquitto = Process.GetProcessById(BrokerOf(signet)!.Value)) mosquitto.Kill();
        await UntilAsync(() => Task.FromResult(BrokerOf(signet) is null), "the center has not seen its end");
        var (exitCode, error) = await signet.InterruptAsync();
        exitCode.ShouldBe(0, error);
    }

    [Fact]
    public async Task A_broker_that_is_killed_at_any_moment_makes_no_command_run_twice_and_each_ends_in_a_state_with_evidence()
    {
        await using var signet = await UpAsync();
        await using var device = await LampAsync();
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var kill = 0; kill < Kills; kill++)
        {
            using var stop = new CancellationTokenSource();
            var sending = Task.WhenAll(SendAsync(stop.Token), SendAsync(stop.Token));
            await Task.Delay(random.Next(500, 2000));
            await KillBrokerAsync(signet);
            await stop.CancelAsync();
            await sending;
            await UntilAsync(async () => (await RunAsync("command", "send", "lamp-1", "blink", "--wait")).ExitCode == 0, $"seed {seed}: the device is not commanded over the next broker");
        }

        // Nobody answers for a command that the killed broker had taken and not handed on: that is "unanswered", once its deadline has passed.
        List<JsonObject> all = [];
        await UntilAsync(async () =>
        {
            all = [.. (await RunAsync("command", "list", "--limit", "500", "--json")).Json["commands"]!.AsArray().Select(one => one!.AsObject())];
            return all.All(one => (string)one["state"]! is "executed" or "interrupted" or "failed" or "rejected" or "unanswered" or "cancelled");
        }, $"seed {seed}: a command has no end");
        all.Count.ShouldBeLessThan(500);

        var begun = Begun();
        begun.Where(count => count.Value > 1).ShouldBeEmpty($"seed {seed}");
        string[] Of(string state) => [.. all.Where(one => (string)one["state"]! == state).Select(one => (string)one["id"]!)];
        Of("executed").ShouldAllBe(id => begun.ContainsKey(id), $"seed {seed}");
        Of("executed").ShouldNotBeEmpty();
        Of("cancelled").ShouldAllBe(id => !begun.ContainsKey(id), $"seed {seed}: it had gone to nobody");
        begun.Keys.ShouldBeSubsetOf([.. Of("executed"), .. Of("interrupted")], $"seed {seed}: what the killed broker had acknowledged and not handed on, the device sends again");
        all.Where(one => (string)one["state"]! == "executed").ShouldAllBe(one => one["receipt"] != null);
        (await RunAsync("audit", "verify")).ExitCode.ShouldBe(0, $"seed {seed}");
        device.KillTree();
    }

    private async Task<SignetProcess> UpAsync() =>
        await SignetProcess.UpAsync(Data, new Dictionary<string, string> { ["SIGNET__Broker__Plugin"] = Path.Combine(await MosquittoPlugin.FolderAsync(), "signet_mosquitto.so") }, "--broker", "mosquitto");

    private async Task<SignetProcess> LampAsync()
    {
        (await RunAsync("device", "add", "lamp-1", "--kind", "lamp", "--allow", "blink")).ExitCode.ShouldBe(0);
        var device = await SignetProcess.RunningAsync(Data, "device", "run", "lamp-1", "--json");
        await UntilAsync(async () => (string)(await RunAsync("device", "list", "--json")).Json["devices"]!.AsArray().First(d => (string)d!["name"]! == "lamp-1")!["state"]! == "online", "lamp-1 is not there");
        return device;
    }

    private async Task SendAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested) await RunAsync("command", "send", "lamp-1", "blink"); // refused or cut off as it may be
    }

    /// <summary>Returns when the center has begun another one.</summary>
    private static async Task KillBrokerAsync(SignetProcess signet)
    {
        var killed = BrokerOf(signet) ?? throw new InvalidOperationException("no mosquitto runs");
        using (var mosquitto = Process.GetProcessById(killed)) mosquitto.Kill();
        await UntilAsync(() => Task.FromResult(BrokerOf(signet) is { } next && next != killed), "the center begins no other mosquitto");
    }

    private static int? BrokerOf(SignetProcess signet) =>
        SignetProcess.ChildrenOf(signet.Id).Where(child => Read($"/proc/{child.ToString(CultureInfo.InvariantCulture)}/comm").Trim() == "mosquitto").Select(child => (int?)child).FirstOrDefault();

    /// <summary>A socket of the process holds bytes that it has not read (proc(5): tx_queue:rx_queue in the fifth column, inode in the tenth).</summary>
    private static bool HasUnread(int process)
    {
        var own = Directory.EnumerateFileSystemEntries($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/fd").Select(fd => new FileInfo(fd).LinkTarget ?? "").Where(to => to.StartsWith("socket:[", StringComparison.Ordinal)).Select(to => to[8..^1]).ToHashSet(StringComparer.Ordinal);
        return new[] { "tcp", "tcp6" }.SelectMany(kind => Read($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/net/{kind}").Split('\n').Skip(1)).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Any(columns => columns.Length > 9 && own.Contains(columns[9]) && !columns[4].EndsWith(":00000000", StringComparison.Ordinal));
    }

    private static string Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return ""; // gone meanwhile
        }
    }

    private Task<Outcome> RunAsync(params string[] arguments) => SignetProcess.RunAsync(Data, arguments);

    private async Task<string> StateAsync(string id) => (string)(await RunAsync("command", "show", id, "--json")).Json["state"]!;

    private static async Task UntilAsync(Func<Task<bool>> holds, string otherwise)
    {
        for (var waited = Stopwatch.StartNew(); !await holds(); await Task.Delay(100))
            if (waited.Elapsed > TimeSpan.FromSeconds(90)) throw new TimeoutException(otherwise);
    }

    /// <summary>How often each command began, from the device's own journal (docs/spec/device-home.md).</summary>
    private Dictionary<string, int> Begun()
    {
        var begun = File.ReadLines(Path.Combine(Data, "device", "lamp-1", "state", "journal")).Where(line => line.Contains("\"t\":\"begun\"", StringComparison.Ordinal))
            .CountBy(line => (string)JsonNode.Parse(line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..])!["id"]!).ToDictionary(pair => pair.Key, pair => pair.Value);
        begun.ShouldNotBeEmpty("no command began at all: the test shows nothing");
        return begun;
    }
}

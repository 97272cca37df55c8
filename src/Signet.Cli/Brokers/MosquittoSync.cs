using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Control;

namespace Signet.Cli.Brokers;

/// <summary>
/// <c>signet broker sync mosquitto DIR</c>: publishes revocation lists and ACL to a Mosquitto that runs on this machine. Verify, rename, SIGHUP, then knock with a certificate that is
/// revoked: Mosquitto fails open on a list it cannot read, and only the knock shows it.
/// </summary>
internal static class MosquittoSync
{
    public static Command Build() => Verb.Noun("sync", "Bring a running broker of somebody else up to date", Mosquitto());

    private static Command Mosquitto()
    {
        var target = new Argument<string>("DIR") { Description = "The folder that `broker config mosquitto` wrote" };
        return Verb.Make("mosquitto", "Revocation lists and ACL: verify, rename, signal, probe with a revoked certificate", [target], async (parsed, printer, cancellation) =>
        {
            var folder = Path.GetFullPath(parsed.GetValue(target)!);
            var conf = Path.Combine(folder, "mosquitto.conf");
            if (!File.Exists(conf))
                throw new CliException(ExitCode.WrongUsage, $"{folder} holds no mosquitto.conf; make one with: signet broker config mosquitto {folder}");
            using var center = CenterClient.Connect(parsed);
            MosquittoFiles.CopyTrust(GlobalOptions.DataDirectory(parsed), folder);
            await MosquittoFiles.WriteAclAsync(center, folder, cancellation);
            var process = Signal(folder);
            var port = int.Parse(File.ReadLines(conf).First(line => line.StartsWith("listener ", StringComparison.Ordinal)).Split(' ')[1], CultureInfo.InvariantCulture);
            await ProbeAsync(folder, port, cancellation);
            if (printer.Json)
                printer.Object(new JsonObject { ["process"] = process, ["canary"] = "refused" });
            printer.Line($"Mosquitto (process {process}) has the lists and the ACL; a revoked certificate is refused");
            printer.Line("sessions that are open stay open until their client leaves: Mosquitto does not look at its lists again for them");
            return ExitCode.Done;
        });
    }

    private static int Signal(string folder)
    {
        var file = Path.Combine(folder, "mosquitto.pid");
        if (!File.Exists(file) || !int.TryParse(File.ReadAllText(file).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var process))
            throw new CliException(ExitCode.NotReachable, $"{file} names no running Mosquitto. The files are up to date; start it with: mosquitto -c {folder}/mosquitto.conf");
        var name = $"/proc/{process}/comm";
        if (!File.Exists(name) || File.ReadAllText(name).Trim() != "mosquitto")
            throw new CliException(ExitCode.NotReachable, $"Process {process} is no Mosquitto. The files are up to date; start it with: mosquitto -c {folder}/mosquitto.conf");
        using var kill = System.Diagnostics.Process.Start("kill", ["-HUP", process.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        return kill.ExitCode == 0 ? process : throw new CliException(ExitCode.Refused, $"Process {process} cannot be signalled; run this as the user it runs as.");
    }

    /// <exception cref="CliException">The revoked certificate got in, or nobody answers.</exception>
    private static async Task ProbeAsync(string folder, int port, CancellationToken cancellation)
    {
        switch (await CrlCanary.KnockAsync(folder, "127.0.0.1", port, cancellation))
        {
            case CanaryAnswer.NotReachable: throw new CliException(ExitCode.NotReachable, $"Nobody listens on 127.0.0.1:{port}.");
            case CanaryAnswer.LetIn: throw new CliException(ExitCode.VerificationFailed, $"ALARM: Mosquitto lets a revoked certificate in although {folder}/crl.pem is sound. Restart it; until then every revoked device can connect.");
        }
    }
}

using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Control;
using Signet.Pki;
using Signet.Web;

namespace Signet.Cli.Up;

/// <summary>What <c>up</c> says once everything runs: the ready line for scripts, where to go and whom to trust for people.</summary>
internal sealed class Welcome(CommandCenter center, WebConsole console, bool first, string? password, Uri? setup, string token, string root)
{
    public const string DemoAdministrator = "admin";

    public void Print(Printer printer)
    {
        if (printer.Json)
            printer.Object(ReadyEvent());
        else
            PrintForPeople(printer);
    }

    private string ConsoleAddress => console.ConsoleUrl.GetLeftPart(UriPartial.Authority);

    private string PkiAddress => console.PkiUrl.GetLeftPart(UriPartial.Authority);

    private string MqttAddress => $"mqtts://{(center.Options.OtherBroker?.Address is { } given ? given.Host : console.ConsoleUrl.Host)}:{center.BrokerEndPoint.Port}";

    private string? MqttPasswordAddress => center.MqttPasswordEndPoint is { } endPoint ? $"mqtts://{console.ConsoleUrl.Host}:{endPoint.Port}" : null;

    private JsonObject ReadyEvent()
    {
        var ready = new JsonObject
        {
            ["event"] = "ready",
            ["console"] = ConsoleAddress,
            ["mqtt"] = MqttAddress,
            ["mqttPassword"] = MqttPasswordAddress,
            ["pki"] = PkiAddress,
            ["auth"] = console.AuthUrl?.GetLeftPart(UriPartial.Authority),
            ["data"] = center.Installation.Directory,
            ["rootCertificate"] = root,
            ["admin"] = new JsonObject { ["user"] = DemoAdministrator, ["password"] = password },
            ["token"] = token,
        };
        if (setup is not null)
            ready["setup"] = setup.AbsoluteUri;
        return ready;
    }

    private void PrintForPeople(Printer printer)
    {
        printer.Line();
        printer.Markup("[bold]Signet is running.[/]");
        List<(string, string)> facts = [("console", ConsoleAddress), ("MQTT", $"{MqttAddress} (client certificate required)")];
        if (MqttPasswordAddress is { } passwordAddress) facts.Add(("", $"{passwordAddress} (user|one-time code and password)"));
        if (console.AuthUrl is { } auth) facts.Add(("auth", $"{auth.GetLeftPart(UriPartial.Authority)} (for other brokers)"));
        facts.AddRange([("PKI", PkiAddress), ("data", center.Installation.Directory)]);
        printer.Facts([.. facts]);
        printer.Line();
        if (password is not null)
            printer.Facts(("sign in as", DemoAdministrator), ("password", $"{password}   (shown this once)"));
        else if (setup is not null)
            printer.Facts(("first administrator", $"{setup.AbsoluteUri}   (once, within 24 hours)"));
        else if (center.Installation.IsDemo)
            printer.Line($"  sign in as {DemoAdministrator} with the password shown at the first start; `rm -r {center.Installation.Directory}` starts over");
        printer.Line();
        printer.Line("  Your browser does not know this installation's root certificate yet. Trust it, after comparing the fingerprint:");
        printer.Facts(("root certificate", root), ("SHA-256", CertificateFacts.Fingerprint(center.Authority.Root)));
        printer.Line($"    Debian:   sudo cp {root} /usr/local/share/ca-certificates/signet.crt && sudo update-ca-certificates");
        printer.Line($"    Chromium: certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n signet -i {root}");
        printer.Line("    Firefox:  Settings, Certificates, Authorities, Import");
        printer.Line();
        if (center.Installation.IsDemo)
        {
            printer.Line("  Try, in another terminal:");
            printer.Line($"    signet command send thermostat-1 read-temperature --wait{DataFlag()}");
            printer.Line($"    signet audit verify{DataFlag()}");
            printer.Line();
        }

        printer.Line(first ? "Ctrl-C stops it. The next start finds everything again." : "Ctrl-C stops it.");
        printer.Line();
    }

    /// <summary>Only needed in the examples when this run does not use the default directory.</summary>
    private string DataFlag()
    {
        var usual = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "signet");
        return center.Installation.Directory == usual ? "" : $" --data {center.Installation.Directory}";
    }
}

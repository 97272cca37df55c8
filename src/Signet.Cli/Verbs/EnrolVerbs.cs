using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Signet.Agent;
using Signet.Cli.Shell;
using Signet.Pki;
using Signet.Web.Looks;

namespace Signet.Cli.Verbs;

/// <summary><c>signet device invite|enroll|import|waiting|approve|refuse|maker</c>: how devices that keep their own keys become part of the fleet.</summary>
internal static class EnrolVerbs
{
    private static readonly Argument<string> Name = new("NAME") { Description = "The device's name" };
    private static readonly Option<string> Kind = new("--kind") { Description = "What it is: thermostat, door, valve, or a word of your own", HelpName = "KIND", DefaultValueFactory = _ => "device" };
    private static readonly Option<string[]> Allow = new("--allow") { Description = "A command it takes (may be repeated; default: those of its kind)", HelpName = "COMMAND" };
    private static readonly Option<bool> Approval = new("--approval") { Description = "A person looks at its request before anything is issued" };

    /// <summary>On the operator's side: a one-time token.</summary>
    public static Command Invite()
    {
        var hours = new Option<double?>("--hours") { Description = "Life of the token (default 168)", HelpName = "N" };
        var qr = new Option<bool>("--qr") { Description = "Draw the claim as QR code, for a device or phone with a camera" };
        var light = new Option<bool>("--light") { Description = "With --qr: the terminal writes dark on light" };
        var picture = new Option<string?>("--qr-out") { Description = "Write the QR code here (SVG, 0600: whoever reads it can enrol)", HelpName = "FILE.svg" };
        return Verb.Make("invite", "A one-time token with which this device enrols itself (EST)", [Name, Kind, Allow, hours, Approval, qr, light, picture], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var made = await center.PostAsync("/api/v1/enrolments", Body(parsed.GetValue(Name)!, parsed.GetValue(Kind)!, parsed.GetValue(Allow), "", parsed.GetValue(hours), parsed.GetValue(Approval)), cancellation);
            if (printer.Json)
                printer.Object(made);
            else
                printer.Facts(("device", Query.Text(made["name"])), ("token", $"{Query.Text(made["token"])}   (shown this once)"), ("until", Query.Text(made["expires"])), ("claim", Query.Text(made["claim"])));
            if (parsed.GetValue(picture) is { } file)
            {
                KeyFile.WritePrivate(file, System.Text.Encoding.UTF8.GetBytes(QrPicture.Svg(Query.Text(made["claim"]))));
                printer.Line($"wrote {file}");
            }

            if (parsed.GetValue(qr))
                printer.Line(QrPicture.Terminal(Query.Text(made["claim"]), !parsed.GetValue(light)));
            printer.Line("on the device: signet device enroll --claim CLAIM --home DIR   (or with --claim - and the claim on standard input)");
            return ExitCode.Done;
        });
    }

    /// <summary>On the device: key, request, certificate, home.</summary>
    public static Command Enroll()
    {
        var name = new Argument<string?>("NAME") { Description = "The device's name (not needed with --claim)", Arity = ArgumentArity.ZeroOrOne };
        var claim = new Option<string?>("--claim") { Description = "What `device invite` printed or its QR code says; - reads it from standard input", HelpName = "CLAIM" };
        var token = new Option<bool>("--token-stdin") { Description = "Read the one-time token from standard input" };
        var trust = new Option<string?>("--trust") { Description = "The center's root certificate", HelpName = "FILE" };
        var print = new Option<string?>("--root-sha256") { Description = "Instead of --trust: the root's fingerprint", HelpName = "HEX" };
        var made = new Option<string?>("--maker-cert") { Description = "Instead of a token: certificate and key of the device's maker (FILE.crt, with FILE.key beside it)", HelpName = "FILE.crt" };
        var home = new Option<string>("--home") { Description = "The device's own folder, made by this", HelpName = "DIR", Required = true };
        return Verb.Make("enroll", "On the device: make its key, fetch its certificate, write the folder that `device run --home DIR` starts from", [name, claim, token, trust, print, made, home], async (parsed, printer, cancellation) =>
        {
            var claimed = parsed.GetValue(claim) is "-" ? (await Console.In.ReadLineAsync(cancellation))?.Trim() : parsed.GetValue(claim);
            var options = claimed is not null ? OfClaim(claimed, parsed.GetValue(home)!) : new EnrolmentOptions(
                new Uri(parsed.GetValue(GlobalOptions.Url) ?? Environment.GetEnvironmentVariable("SIGNET_URL") ?? throw new CliException(ExitCode.WrongUsage, "Say where the center is: --url https://HOST:8443, or --claim CLAIM.")),
                parsed.GetValue(name) ?? throw new CliException(ExitCode.WrongUsage, "Name the device."), Path.GetFullPath(parsed.GetValue(home)!),
                parsed.GetValue(token) ? (await Console.In.ReadLineAsync(cancellation))?.Trim() : null, parsed.GetValue(trust) is { } file ? PemFile.Read(file) : null, parsed.GetValue(print));
            if (parsed.GetValue(made) is { } maker)
                options = options with { Made = PemFile.ReadWithKey(maker, Path.ChangeExtension(maker, ".key")) };
            else if (options.Token is null)
                throw new CliException(ExitCode.WrongUsage, "Give the one-time token on standard input (--token-stdin), in a --claim, or a maker's certificate (--maker-cert).");
            try
            {
                await DeviceEnrolment.EnrolAsync(options, key => printer.Line($"waiting for a person to approve this key: {key}"), TimeProvider.System, cancellation);
            }
            catch (AgentException problem)
            {
                throw new CliException(ExitCode.Refused, problem.Message);
            }

            if (printer.Json)
                printer.Object(new JsonObject { ["device"] = options.Name, ["home"] = options.Directory });
            printer.Line($"{options.Name} is enrolled; start it with `signet device run --home {options.Directory}`");
            return ExitCode.Done;
        });
    }

    /// <summary>Many at once from a table.</summary>
    public static Command Import()
    {
        var file = new Argument<string?>("FILE.csv") { Description = "Columns name, kind, title, commands (blank-separated); the first line names them", Arity = ArgumentArity.ZeroOrOne };
        var target = new Option<string?>("--out") { Description = "Where the tokens go: CSV with name, token, claim (0600)", HelpName = "FILE" };
        return Verb.Make("import", "Invite every device of a table (nothing is sent before every line was found good), or take over a users table", [file, target, Approval, TotpDevices.MySqlCsv, TotpDevices.MosquittoPasswords, TotpDevices.SecretsOut], async (parsed, printer, cancellation) =>
        {
            if (parsed.GetValue(TotpDevices.MosquittoPasswords) is { } passwords)
                return await TotpDevices.ImportPasswordsAsync(passwords, parsed, printer, cancellation);
            if (parsed.GetValue(TotpDevices.MySqlCsv) is { } users)
                return await TotpDevices.ImportAsync(users, parsed, printer, cancellation);
            if (parsed.GetValue(file) is null || parsed.GetValue(target) is null)
                throw new CliException(ExitCode.WrongUsage, "Give the table and where the tokens go: signet device import FILE.csv --out TOKENS.csv; or a users table with --mysql-csv FILE.");
            var rows = DeviceTable.Read(parsed.GetValue(file)!);
            using var center = CenterClient.Connect(parsed);
            var lines = new List<string> { "name,token,claim" };
            var failed = new JsonArray();
            foreach (var row in rows)
            {
                try
                {
                    var made = await center.PostAsync("/api/v1/enrolments", Body(row.Name, row.Kind, row.Commands, row.Title, null, parsed.GetValue(Approval)), cancellation);
                    lines.Add($"{row.Name},{Query.Text(made["token"])},{Query.Text(made["claim"])}");
                    if (lines.Count % 100 == 0)
                        await printer.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{lines.Count - 1} of {rows.Count} invited"));
                }
                catch (CliException refusal) when (refusal.Exit == ExitCode.Refused)
                {
                    failed.Add(new JsonObject { ["name"] = row.Name, ["why"] = refusal.Message });
                    printer.Fail($"{row.Name}: {refusal.Message}");
                }
            }

            KeyFile.WritePrivate(parsed.GetValue(target)!, System.Text.Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n"));
            if (printer.Json)
                printer.Object(new JsonObject { ["invited"] = lines.Count - 1, ["failed"] = failed, ["file"] = Path.GetFullPath(parsed.GetValue(target)!) });
            printer.Line($"invited {lines.Count - 1} of {rows.Count} devices; the tokens are in {parsed.GetValue(target)}");
            return failed.Count == 0 ? ExitCode.Done : ExitCode.Refused;
        });
    }

    public static Command Waiting() => Verb.Make("waiting", "Requests that wait for a person", [], async (parsed, printer, cancellation) =>
    {
        using var center = CenterClient.Connect(parsed);
        var page = await center.GetAsync("/api/v1/enrolments/waiting", cancellation);
        if (printer.Json)
            printer.Object(page);
        printer.Table(["request", "device", "key", "from", "arrived", "state"], Query.Rows(page, "requests", "id", "name", "key", "source", "arrived", "state"));
        return ExitCode.Done;
    });

    public static Command Decide(bool approve)
    {
        var which = new Argument<string>("ID") { Description = "A request of `device waiting`" };
        return Verb.Make(approve ? "approve" : "refuse", approve ? "Let a waiting device have its certificate; compare its key first" : "Turn a waiting device away", [which], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var decided = await center.PostAsync($"/api/v1/enrolments/waiting/{Uri.EscapeDataString(parsed.GetValue(which)!)}/{(approve ? "approve" : "refuse")}", null, cancellation);
            if (printer.Json)
                printer.Object(decided);
            printer.Line($"{Query.Text(decided["name"])} is {Query.Text(decided["state"])}{(approve ? "; it gets its certificate when it asks again" : "")}");
            return ExitCode.Done;
        });
    }

    /// <summary>Makers whose certificates admit a device once.</summary>
    public static Command Maker()
    {
        var name = new Argument<string>("NAME") { Description = "What the maker is called here" };
        var certificates = new Option<string>("--certificates") { Description = "Its root and intermediates, PEM", HelpName = "FILE", Required = true };
        var add = Verb.Make("add", "Devices with this maker's certificate may enrol by themselves, once each", [name, certificates, Kind, Allow, Approval], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var body = new JsonObject { ["name"] = parsed.GetValue(name), ["certificates"] = await File.ReadAllTextAsync(parsed.GetValue(certificates)!, cancellation), ["kind"] = parsed.GetValue(Kind), ["needsApproval"] = parsed.GetValue(Approval) };
            if (parsed.GetValue(Allow) is { Length: > 0 } commands)
                body["commands"] = Texts(commands);
            var made = await center.PostAsync("/api/v1/manufacturers", body, cancellation);
            if (printer.Json)
                printer.Object(made);
            printer.Line($"added {Query.Text(made["name"])}: {Query.Text(made["subject"])}, SHA-256 {Query.Text(made["fingerprint"])}");
            return ExitCode.Done;
        });
        var list = Verb.Make("list", "Makers that are known", [], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var page = await center.GetAsync("/api/v1/manufacturers", cancellation);
            if (printer.Json)
                printer.Object(page);
            printer.Table(["maker", "root", "ends", "kind", "approval"], Query.Rows(page, "manufacturers", "name", "subject", "notAfter", "kind", "needsApproval"));
            return ExitCode.Done;
        });
        var remove = Verb.Make("remove", "Its certificates admit nobody from now on; enrolled devices stay", [name], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var gone = await center.DeleteAsync("/api/v1/manufacturers/" + Uri.EscapeDataString(parsed.GetValue(name)!), cancellation);
            if (printer.Json)
                printer.Object(gone);
            printer.Line($"removed {parsed.GetValue(name)}");
            return ExitCode.Done;
        });
        return Verb.Noun("maker", "Makers of devices whose certificates admit a device once", add, list, remove);
    }

    private static JsonObject Body(string name, string kind, IReadOnlyList<string>? commands, string title, double? hours, bool approval)
    {
        var body = new JsonObject { ["name"] = name, ["kind"] = kind, ["title"] = title, ["hours"] = hours, ["approval"] = approval };
        if (commands is { Count: > 0 })
            body["commands"] = Texts(commands);
        return body;
    }

    private static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(text => JsonValue.Create(text))]);

    // signet://HOST:PORT/NAME?token=...&root=HEX
    private static EnrolmentOptions OfClaim(string claim, string home)
    {
        if (!Uri.TryCreate(claim, UriKind.Absolute, out var uri) || uri.Scheme != "signet" || uri.AbsolutePath.Length < 2)
            throw new CliException(ExitCode.WrongUsage, "That is not a claim: it begins with signet://HOST:PORT/NAME?token=");
        var parts = uri.Query.TrimStart('?').Split('&').Select(pair => pair.Split('=', 2)).Where(pair => pair.Length == 2).ToDictionary(pair => pair[0], pair => Uri.UnescapeDataString(pair[1]), StringComparer.Ordinal);
        return new(new Uri($"https://{uri.Authority}"), Uri.UnescapeDataString(uri.AbsolutePath[1..]), Path.GetFullPath(home), parts.GetValueOrDefault("token"), null, parts.GetValueOrDefault("root"));
    }
}

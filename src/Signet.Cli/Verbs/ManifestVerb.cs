using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Signet.Cli.PubSub;
using Signet.Cli.Shell;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Cli.Verbs;

/// <summary>
/// <c>signet manifest key|sign|push|show</c>: what a device may be told and who must agree. Key and signing need no center and belong on another machine; the center only
/// carries what was signed.
/// </summary>
internal static class ManifestVerb
{
    private static readonly Argument<string> Device = new("DEVICE") { Description = "The device's name" };

    public static Command Build() => Verb.Noun("manifest", "Signed manifests: what a device may be told, in which suites, and who must agree", Key(), Sign(), Push(), Show());

    private static Command Key()
    {
        var directory = new Option<string>("--out") { Description = "Folder for policy.key (0600) and policy.crt", HelpName = "DIR", Required = true };
        return Verb.Make("key", "Make a policy key; keep it away from the center, and put policy.crt into the device's folder", [directory], (parsed, printer, _) =>
        {
            var folder = Path.GetFullPath(parsed.GetValue(directory)!);
            Directory.CreateDirectory(folder);
            var (keyPath, certPath) = (Path.Combine(folder, "policy.key"), Path.Combine(folder, "policy.crt"));
            if (File.Exists(keyPath)) throw new CliException(ExitCode.Refused, $"{keyPath} is there already; a lost policy key cannot be made again.");
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest("CN=policy", key, HashAlgorithmName.SHA256);
            var now = TimeProvider.System.GetUtcNow();
            using var certificate = request.CreateSelfSigned(now.AddMinutes(-5), now.AddYears(10));
            KeyFile.Save(keyPath, key);
            PemFile.Write(certPath, PemFile.Encode(certificate));
            if (printer.Json) printer.Object(new JsonObject { ["key"] = keyPath, ["certificate"] = certPath });
            printer.Line($"wrote {keyPath} and {certPath}");
            return Task.FromResult(ExitCode.Done);
        });
    }

    private static Command Sign()
    {
        var spec = new Argument<string>("SPEC") { Description = "JSON: device, version, commands, suites, sealed, classes, approvers, arguments (docs/spec/messages.md; certificates or passkeys of approvers as files)" };
        var cert = new Option<string>("--cert") { Description = "The policy certificate, or the root's", HelpName = "FILE", Required = true };
        var key = new Option<string>("--key") { Description = "Its key: a file (0600) or a PKCS#11 URI", HelpName = "FILE|URI", Required = true };
        var target = new Option<string>("--out") { Description = "Where to write the manifest", HelpName = "FILE", Required = true };
        return Verb.Make("sign", "Sign a manifest", [spec, cert, key, target], (parsed, printer, _) =>
        {
            using var certificate = BrokerOptionsOf.ReadPair(parsed.GetValue(cert)!, parsed.GetValue(key)!);
            using var signing = MessageKeys.SignWith(certificate);
            var claims = Claims(Path.GetFullPath(parsed.GetValue(spec)!));
            try
            {
                File.WriteAllText(parsed.GetValue(target)!, Encoding.ASCII.GetString(ManifestMessage.Sign(claims, signing)) + "\n");
            }
            catch (ArgumentException problem)
            {
                throw new CliException(ExitCode.WrongUsage, $"{parsed.GetValue(spec)} says what no device would accept: {problem.Message}");
            }

            if (printer.Json) printer.Object(new JsonObject { ["device"] = claims.Audience, ["version"] = claims.Version, ["file"] = Path.GetFullPath(parsed.GetValue(target)!) });
            printer.Line($"signed version {claims.Version} for {claims.Audience}; push it with `signet manifest push {claims.Audience} {parsed.GetValue(target)}`");
            return Task.FromResult(ExitCode.Done);
        });
    }

    private static Command Push()
    {
        var file = new Argument<string>("FILE") { Description = "What `manifest sign` wrote" };
        var policy = new Option<string?>("--policy") { Description = "Certificate of the key that signed it (default: the one the center knows for the device, else the root)", HelpName = "CERT" };
        return Verb.Make("push", "Hand a signed manifest to the center, which brings it to the device", [Device, file, policy], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var body = new JsonObject { ["manifest"] = (await File.ReadAllTextAsync(parsed.GetValue(file)!, cancellation)).Trim() };
            if (parsed.GetValue(policy) is { } path) body["policy"] = await File.ReadAllTextAsync(path, cancellation);
            Print(printer, await center.PutAsync($"/api/v1/devices/{Uri.EscapeDataString(parsed.GetValue(Device)!)}/manifest", body, cancellation));
            return ExitCode.Done;
        });
    }

    private static Command Show() => Verb.Make("show", "A device's newest manifest", [Device], async (parsed, printer, cancellation) =>
    {
        using var center = CenterClient.Connect(parsed);
        Print(printer, await center.GetAsync($"/api/v1/devices/{Uri.EscapeDataString(parsed.GetValue(Device)!)}/manifest", cancellation));
        return ExitCode.Done;
    });

    private static void Print(Printer printer, JsonObject manifest)
    {
        if (printer.Json)
        {
            printer.Object(manifest);
            return;
        }

        printer.Facts(
            ("device", Query.Text(manifest["device"])),
            ("version", $"{manifest["version"]}, the device obeys {(manifest["announced"] is { } announced ? announced.ToJsonString() : "none yet")}"),
            ("commands", Query.Text(manifest["commands"])),
            ("suites", string.Join(", ", (manifest["suites"] as JsonArray ?? []).Select(s => $"{s!["name"]}{(s["until"] is { } until ? $" until {Query.Text(until)}" : "")}"))),
            ("sealed", (bool?)manifest["sealed"] == true ? "only" : "not demanded"));
        foreach (var one in (manifest["classes"] as JsonArray ?? []).OfType<JsonObject>())
            printer.Line($"  class {one["name"]}: {Query.Text(one["commands"])}, when {one["needed"]} of {Query.Text(one["approvers"])} approve");
        foreach (var one in (manifest["arguments"] as JsonArray ?? []).OfType<JsonObject>())
            printer.Line($"  {one["command"]}: {(one["arguments"] is JsonArray { Count: > 0 } rules ? string.Join("; ", rules.Select(r => (string)r!)) : "no arguments")}");
    }

    private static ManifestClaims Claims(string path)
    {
        try
        {
            var spec = JsonNode.Parse(File.ReadAllText(path), null, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 8 })!.AsObject();
            var unknown = spec.Select(m => m.Key).Except(["device", "version", "commands", "suites", "sealed", "classes", "approvers", "arguments"]).FirstOrDefault();
            if (unknown is not null) throw new CliException(ExitCode.WrongUsage, $"{path}: \"{unknown}\" is no member of a manifest.");
            using var random = RandomNumberGenerator.Create();
            return new()
            {
                Issuer = ManifestClaims.Policy, Id = MessageId.New(TimeProvider.System, random), IssuedAt = TimeProvider.System.GetUtcNow(),
                Audience = (string)spec["device"]!, Version = (long)spec["version"]!, Commands = Texts(spec["commands"]),
                Suites = [.. (spec["suites"] as JsonArray ?? ["signet-ps256-1"]).Select(Suite).OrderBy(s => s.Name, StringComparer.Ordinal)],
                OnlySealed = (bool?)spec["sealed"] ?? false,
                Classes = [.. (spec["classes"] as JsonArray ?? []).OfType<JsonObject>().Select(c => new QuorumClass((string)c["name"]!, Texts(c["commands"]), (int)c["needed"]!, Texts(c["approvers"]), (bool?)c["requesterCounts"] ?? false)).OrderBy(c => c.Name, StringComparer.Ordinal)],
                Approvers = [.. (spec["approvers"] as JsonArray ?? []).OfType<JsonObject>().Select(a => Approver(a, Path.GetDirectoryName(path)!))],
                Rules = [.. (spec["arguments"] as JsonArray ?? []).OfType<JsonObject>().Select(Rule).OrderBy(r => r.Command, StringComparer.Ordinal)],
            };
        }
        catch (Exception problem) when (problem is JsonException or NullReferenceException or InvalidOperationException or FormatException or IOException)
        {
            throw new CliException(ExitCode.WrongUsage, $"{path} is not the description of a manifest ({problem.Message.Split('\n')[0].TrimEnd('.')}). It needs device, version and commands; see docs/spec/messages.md.");
        }
    }

    // A certificate, or the file that a person's account page gives for a passkey.
    private static Approver Approver(JsonObject approver, string folder)
    {
        var person = (string)approver["person"]!;
        if (approver["passkey"] is not { } file) return new(person, PemFile.Read(Path.Combine(folder, (string)approver["certificate"]!))[0].RawData);
        var passkey = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, (string)file!)))!.AsObject();
        return new(person, System.Buffers.Text.Base64Url.DecodeFromChars((string)passkey["key"]!)) { Passkey = new((string)passkey["rp"]!, (string)passkey["origin"]!) };
    }

    private static CommandRule Rule(JsonObject rule) => new((string)rule["command"]!, [.. rule["arguments"]!.AsArray().OfType<JsonObject>().Select(Argument).OrderBy(a => a.Name, StringComparer.Ordinal)]);

    private static ArgumentRule Argument(JsonObject argument)
    {
        var unknown = argument.Select(m => m.Key).Except(["name", "type", "least", "most", "longest", "choices", "optional"]).FirstOrDefault();
        if (unknown is not null) throw new FormatException($"\"{unknown}\" is no member of an argument");
        if (!Enum.TryParse<ArgumentType>((string)argument["type"]!, ignoreCase: true, out var type)) throw new FormatException($"\"{argument["type"]}\" is no type of an argument: number, integer, flag, text or choice");
        return new((string)argument["name"]!, type)
        {
            Least = (double?)argument["least"], Most = (double?)argument["most"], Longest = (int?)argument["longest"], Choices = argument["choices"] is { } choices ? Texts(choices) : null, IsOptional = (bool?)argument["optional"] ?? false,
        };
    }

    private static SuiteGrant Suite(JsonNode? node) => node is JsonObject grant
        ? new((string)grant["name"]!, grant["until"] is { } until ? DateTimeOffset.Parse((string)until!, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal) : null)
        : new((string)node!, null);

    private static List<string> Texts(JsonNode? list) => [.. list!.AsArray().Select(t => (string)t!).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
}

using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Mqtt;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Cli.PubSub;

/// <summary>
/// <c>signet sub</c>: reads from any MQTT broker. Given keys, it prints only what opens, verifies, is fresh and was not seen before; everything else is refused with its
/// reason on standard error. Without keys it prints what comes, and says <c>unverified</c> in JSON.
/// </summary>
internal static class SubVerb
{
    private static readonly Option<string[]> Topic = new("-t", "--topic") { Description = "A topic or filter (may be repeated)", HelpName = "FILTER", Required = true };
    private static readonly Option<int> QoS = new("-q", "--qos") { Description = "0, 1 or 2", HelpName = "N", DefaultValueFactory = _ => 1 };
    private static readonly Option<int?> Count = new("-C", "--count") { Description = "End after so many messages", HelpName = "N" };
    private static readonly Option<string?> Within = new("-W", "--within") { Description = "End after this time, such as 10s; exit 1 when --count was not reached", HelpName = "TIME" };
    private static readonly Option<string[]> SignedBy = new("--signed-by") { Description = "Certificate of a sender to believe (may be repeated)", HelpName = "CERT" };
    private static readonly Option<string> From = new("--from") { Description = "The name of who shares --hmac-key", HelpName = "NAME", DefaultValueFactory = _ => "publisher" };
    private static readonly Option<string?> OpenCert = new("--open-cert") { Description = "Certificate that messages are sealed to", HelpName = "CERT" };
    private static readonly Option<string?> OpenKey = new("--open-key") { Description = "Its private key (PEM, 0600)", HelpName = "FILE" };
    private static readonly Option<string?> State = new("--state") { Description = "Remember what was seen over restarts in this file", HelpName = "FILE" };

    public static Command Build() => Verb.Make("sub", "Read from any MQTT broker: over TLS, and only what opens, verifies and is new if told",
        [.. BrokerOptionsOf.All, Topic, QoS, Count, Within, MessageKeys.HmacKey, From, SignedBy, OpenCert, OpenKey, State], RunAsync);

    private static async Task<ExitCode> RunAsync(ParseResult parsed, Printer printer, CancellationToken cancellation)
    {
        foreach (var filter in parsed.GetValue(Topic)!)
            if (!TopicFilter.IsValidFilter(filter)) throw new CliException(ExitCode.WrongUsage, $"\"{Printer.Inert(filter)}\" is not a topic filter.");
        if (parsed.GetValue(QoS) is not (>= 0 and <= 2)) throw new CliException(ExitCode.WrongUsage, "-q takes 0, 1 or 2.");
        using var reader = Reader(parsed);
        await using var client = await BrokerOptionsOf.ConnectAsync(parsed, cancellation);
        var answers = await client.SubscribeAsync([.. parsed.GetValue(Topic)!.Select(t => new TopicSubscription(t) { QoS = (QoS)parsed.GetValue(QoS) })], cancellationToken: cancellation);
        if (answers.FirstOrDefault(a => !a.IsAccepted) is { Filter: not null } refused)
            throw new CliException(ExitCode.Refused, $"the broker refused {Printer.Inert(refused.Filter)}: {refused.Reason}");
        if (printer.Json) printer.Object(new JsonObject { ["event"] = "subscribed" });
        else await printer.Error.WriteLineAsync($"subscribed to {string.Join(", ", parsed.GetValue(Topic)!.Select(Printer.Inert))}{(reader is null ? "; messages are not verified" : "")}");

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (parsed.GetValue(Within) is { } within) patience.CancelAfter(Durations.Parse("-W", within));
        var (taken, wanted) = (0, parsed.GetValue(Count));
        try
        {
            await foreach (var message in client.ReadMessagesAsync(patience.Token))
            {
                if (!Show(message, reader, printer)) continue;
                if (++taken != wanted) continue;
                client.Acknowledge();
                return ExitCode.Done;
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return wanted is null || taken >= wanted ? ExitCode.Done : ExitCode.Refused;
        }

        throw new CliException(ExitCode.NotReachable, "the connection to the broker ended");
    }

    private static bool Show(MqttMessage message, SecureReader? reader, Printer printer)
    {
        if (reader is null)
        {
            Print(printer, message.Topic, message.Payload.Span, null, message.Retain);
            return true;
        }

        if (reader.TryRead(message, out var data, out var rejection))
        {
            Print(printer, message.Topic, data.Claims.Data.Span, data, message.Retain);
            return true;
        }

        var reason = RejectReasons.Of(rejection.Reason).Name;
        printer.Error.WriteLine(printer.Json
            ? new JsonObject { ["refused"] = reason, ["topic"] = message.Topic, ["detail"] = rejection.Detail }.ToJsonString()
            : $"refused {reason}: {Printer.Inert(message.Topic)}: {Printer.Inert(rejection.Detail)}");
        return false;
    }

    private static void Print(Printer printer, string topic, ReadOnlySpan<byte> payload, VerifiedData? data, bool retained)
    {
        var text = Text(payload);
        if (!printer.Json)
        {
            printer.Output.WriteLine($"{Printer.Inert(topic)} {Printer.Inert(text ?? $"({payload.Length} bytes)")}");
            printer.Output.Flush();
            return;
        }

        var line = new JsonObject { ["topic"] = topic, ["payload"] = text, ["base64"] = text is null ? Convert.ToBase64String(payload) : null, ["retained"] = retained, ["verified"] = data is not null };
        if (data is not null)
        {
            (line["from"], line["suite"], line["key"]) = (data.Claims.Issuer, data.Suite.Name, data.KeyId);
            (line["id"], line["issued"], line["epoch"], line["seq"]) = (data.Claims.Id, data.Claims.IssuedAt.ToString("O", CultureInfo.InvariantCulture), data.Claims.Epoch, data.Claims.Sequence);
        }

        printer.Object(line);
    }

    private static string? Text(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static SecureReader? Reader(ParseResult parsed)
    {
        var keys = KeyRing.Empty;
        if (parsed.GetValue(MessageKeys.HmacKey) is { } file)
        {
            if (!Topics.IsPartyName(parsed.GetValue(From))) throw new CliException(ExitCode.WrongUsage, $"--from takes 1 to {WireLimits.NameCharacters} of the characters a-z 0-9 . _ -.");
            var secret = MessageKeys.ReadHmac(file);
            keys = keys.With(PinnedKey.Hs256(secret, parsed.GetValue(From)!, MessageKeys.HmacId(secret)));
            CryptographicOperations.ZeroMemory(secret);
        }

        foreach (var path in parsed.GetValue(SignedBy) ?? [])
        {
            using var certificate = PemFile.Read(path)[0];
            keys = keys.With(MessageKeys.VerifyWith(certificate));
        }

        if (parsed.GetValue(OpenCert) is null != parsed.GetValue(OpenKey) is null) throw new CliException(ExitCode.WrongUsage, "--open-cert and --open-key belong together.");
        if (keys.Count == 0)
            return parsed.GetValue(OpenCert) is null ? null : throw new CliException(ExitCode.WrongUsage, "What is opened must be verified too: add --signed-by CERT or --hmac-key F.");
        using var own = parsed.GetValue(OpenCert) is { } cert ? PemFile.ReadWithKey(cert, parsed.GetValue(OpenKey)!) : null;
        return new(keys, own is null ? null : Opening(own), own is null ? null : MessageKeys.NameOf(own), parsed.GetValue(State) is { } state ? SenderState.Open(state, "sub") : null);
    }

    private static SealingKey Opening(X509Certificate2 certificate)
        => certificate.GetRSAPrivateKey() is { } rsa ? SealingKey.RsaOaep256(rsa, Thumbprint.Of(certificate))
            : certificate.GetECDiffieHellmanPrivateKey() is { } ecdh ? SealingKey.EcdhEs(ecdh, Thumbprint.Of(certificate))
            : throw new CliException(ExitCode.WrongUsage, "The key of --open-cert can open nothing (RSA, or P-256 for key agreement).");
}

/// <summary>Opens, verifies, and tells new from seen. With an opening key it takes nothing that was not sealed.</summary>
internal sealed class SecureReader(KeyRing keys, SealingKey? opening, string? name, SenderState? state) : IDisposable
{
    private readonly Dictionary<string, ReplayWindow> _windows = new(StringComparer.Ordinal);

    public bool TryRead(MqttMessage message, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out VerifiedData? data, out Rejection rejection)
    {
        data = null;
        var expected = new Expectation { Keys = keys, Audience = name, Topic = message.Topic, Now = TimeProvider.System.GetUtcNow() };
        var bytes = message.Payload;
        if (opening is not null)
        {
            if (!SealedMessage.IsSealed(bytes.Span))
            {
                rejection = new(RejectReason.AlgorithmNotAllowed, "it is not sealed");
                return false;
            }

            if (!SealedMessage.TryOpen(bytes.Span, opening, expected, out var opened, out rejection)) return false;
            bytes = opened;
        }

        if (!DataMessage.TryVerify(bytes.Span, expected, out var verified, out rejection)) return false;
        var sender = verified.KeyId;
        if (!_windows.TryGetValue(sender, out var window)) _windows.Add(sender, window = state?.Window(sender) ?? new());
        if (!window.Check(verified.Claims.Epoch, verified.Claims.Sequence, expected.Now, out rejection)) return false;
        window.Commit(verified.Claims.Epoch, verified.Claims.Sequence);
        // On the disk before it is shown: what a crash interrupts is lost, never shown twice.
        state?.Keep(sender, window);
        data = verified;
        return true;
    }

    public void Dispose()
    {
        opening?.Dispose();
        foreach (var key in keys.Keys) key.Dispose();
    }
}

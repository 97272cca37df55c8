using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Mqtt;
using Signet.Mqtt.Client;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Cli.PubSub;

/// <summary><c>signet pub</c>: publishes on any MQTT broker; with <c>--hmac-key</c> or <c>--sign</c> so that the receiver can tell who sent it, when and where, and with <c>--seal-to</c> so that only one can read it.</summary>
internal static class PubVerb
{
    private static readonly Option<string> Topic = new("-t", "--topic") { Description = "The topic", HelpName = "TOPIC", Required = true };
    private static readonly Option<string?> Message = new("-m", "--message") { Description = "The message", HelpName = "TEXT" };
    private static readonly Option<string?> File = new("-f", "--file") { Description = "A file that is the message (- for standard input)", HelpName = "FILE" };
    private static readonly Option<bool> Lines = new("-l", "--lines") { Description = "Each line of standard input is a message" };
    private static readonly Option<int> QoS = new("-q", "--qos") { Description = "0, 1 or 2", HelpName = "N", DefaultValueFactory = _ => 1 };
    private static readonly Option<bool> Retain = new("-r", "--retain") { Description = "The broker keeps it for those who subscribe later" };
    private static readonly Option<bool> Sign = new("--sign") { Description = "Sign with the key of --cert and --key" };
    private static readonly Option<string?> Name = new("--name") { Description = "The sender's name in messages with an HMAC (default: publisher; the reader names it with --from)", HelpName = "NAME" };
    private static readonly Option<string?> SealTo = new("--seal-to") { Description = "Certificate of the only one who may read it (needs --sign or --hmac-key)", HelpName = "CERT" };
    private static readonly Option<string?> State = new("--state") { Description = "Where the sender's epoch is kept (default: ~/.local/state/signet)", HelpName = "FILE" };

    public static Command Build() => Verb.Make("pub", "Publish on any MQTT broker: over TLS, and with HMAC, signature and sealing if told",
        [.. BrokerOptionsOf.All, Topic, Message, File, Lines, QoS, Retain, MessageKeys.HmacKey, Sign, Name, SealTo, State], RunAsync);

    private static async Task<ExitCode> RunAsync(ParseResult parsed, Printer printer, CancellationToken cancellation)
    {
        var topic = parsed.GetValue(Topic)!;
        if (!TopicFilter.IsValidTopic(topic)) throw new CliException(ExitCode.WrongUsage, $"\"{Printer.Inert(topic)}\" is not a topic to publish on: no + and #, not empty.");
        if (parsed.GetValue(QoS) is not (>= 0 and <= 2)) throw new CliException(ExitCode.WrongUsage, "-q takes 0, 1 or 2.");
        if (new object?[] { parsed.GetValue(Message), parsed.GetValue(File), parsed.GetValue(Lines) ? "" : null }.Count(given => given is not null) != 1)
            throw new CliException(ExitCode.WrongUsage, "Say what to publish: one of -m TEXT, -f FILE or -l.");
        using var envelope = Envelope(parsed, topic);
        await using var client = await BrokerOptionsOf.ConnectAsync(parsed, cancellation);
        var count = 0;
        foreach (var payload in Payloads(parsed))
        {
            var message = new MqttMessage { Topic = topic, Payload = envelope?.Wrap(payload) ?? payload, QoS = (QoS)parsed.GetValue(QoS), Retain = parsed.GetValue(Retain), ContentType = envelope is null || client.Options.Version != MqttVersion.V5 ? null : "application/jose" };
            await PublishAsync(client, message, cancellation);
            count++;
        }

        if (printer.Json) printer.Object(new JsonObject { ["topic"] = topic, ["published"] = count, ["suite"] = envelope?.Suite, ["sealedTo"] = envelope?.SealedTo });
        return ExitCode.Done;
    }

    private static async Task PublishAsync(MqttClient client, MqttMessage message, CancellationToken cancellation)
    {
        try
        {
            var result = await client.PublishAsync(message, cancellation);
            if (!result.IsAccepted) throw new CliException(ExitCode.Refused, $"the broker refused {Printer.Inert(message.Topic)}: {result.Reason}{(result.ReasonString is { Length: > 0 } words ? $" ({Printer.Inert(words)})" : "")}");
        }
        catch (Exception problem) when (problem is MqttException or ObjectDisposedException)
        {
            throw new CliException(problem is MqttException { FromPeer: true } ? ExitCode.Refused : ExitCode.NotReachable, $"the connection ended before the broker had it: {problem.Message}");
        }
    }

    private static IEnumerable<byte[]> Payloads(ParseResult parsed)
    {
        if (parsed.GetValue(Message) is { } text)
        {
            yield return Encoding.UTF8.GetBytes(text);
            yield break;
        }

        using var input = parsed.GetValue(File) is { } file and not "-" ? System.IO.File.OpenRead(file) : Console.OpenStandardInput();
        if (parsed.GetValue(Lines))
        {
            using var reader = new StreamReader(input, Encoding.UTF8);
            while (reader.ReadLine() is { } line) yield return Encoding.UTF8.GetBytes(line);
            yield break;
        }

        using var whole = new MemoryStream();
        input.CopyTo(whole);
        yield return whole.ToArray();
    }

    private static SecureEnvelope? Envelope(ParseResult parsed, string topic)
    {
        var (hmac, sign, sealTo) = (parsed.GetValue(MessageKeys.HmacKey), parsed.GetValue(Sign), parsed.GetValue(SealTo));
        if (hmac is not null && sign) throw new CliException(ExitCode.WrongUsage, "--hmac-key and --sign are two ways to say who sent it: choose one.");
        if (hmac is null && !sign)
            return sealTo is null ? null : throw new CliException(ExitCode.WrongUsage, "--seal-to hides a message and says nothing about who sent it: add --sign or --hmac-key F.");
        if (topic.Length > WireLimits.TopicCharacters) throw new CliException(ExitCode.WrongUsage, $"A signed message names its topic, of at most {WireLimits.TopicCharacters} characters.");
        using var certificate = BrokerOptionsOf.Certificate(parsed);
        if (sign && certificate is null) throw new CliException(ExitCode.WrongUsage, "--sign needs --cert and --key.");
        var name = parsed.GetValue(Name) ?? (sign ? MessageKeys.NameOf(certificate!) : "publisher");
        if (!Topics.IsPartyName(name)) throw new CliException(ExitCode.WrongUsage, $"--name takes 1 to {WireLimits.NameCharacters} of the characters a-z 0-9 . _ -.");
        if (sign && name != MessageKeys.NameOf(certificate!)) throw new CliException(ExitCode.WrongUsage, "With --sign the sender's name is the certificate's.");
        SigningKey key;
        if (sign) key = MessageKeys.SignWith(certificate!);
        else
        {
            var secret = MessageKeys.ReadHmac(hmac!);
            key = SigningKey.Hs256(secret, MessageKeys.HmacId(secret));
            CryptographicOperations.ZeroMemory(secret);
        }

        using var receiver = sealTo is null ? null : PemFile.Read(sealTo)[0];
        return new(key, name, topic, SenderState.Open(parsed.GetValue(State), key.KeyId).NextEpoch(), receiver is null ? null : SealingRecipient.FromCertificate(receiver, MessageKeys.NameOf(receiver)));
    }
}

/// <summary>Signs, numbers and seals payloads of one sender on one topic.</summary>
internal sealed class SecureEnvelope(SigningKey key, string sender, string topic, OutgoingSequence sequence, SealingRecipient? receiver) : IDisposable
{
    private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();

    public string Suite => key.Suite.Name;
    public string? SealedTo => receiver?.Owner;

    /// <exception cref="CliException">The payload does not fit a message.</exception>
    public byte[] Wrap(ReadOnlyMemory<byte> payload)
    {
        if (payload.Length > WireLimits.DataBytes) throw new CliException(ExitCode.Refused, $"the message has {payload.Length} bytes; {WireLimits.DataBytes} can be signed");
        var signed = DataMessage.Sign(new()
        {
            Issuer = sender, Id = MessageId.New(TimeProvider.System, _random), IssuedAt = TimeProvider.System.GetUtcNow(), Epoch = sequence.Epoch, Sequence = sequence.Next(), Topic = topic, Data = payload,
        }, key);
        return receiver is null ? signed : SealedMessage.Seal(signed, receiver, topic, _random);
    }

    public void Dispose()
    {
        key.Dispose();
        receiver?.Dispose();
        _random.Dispose();
    }
}

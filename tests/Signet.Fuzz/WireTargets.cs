using System.Text;
using Signet.Wire;

namespace Signet.Fuzz;

/// <summary>Any bytes as canonical JSON: never throws, and what parses is what writing it again gives.</summary>
public static class WireJsonTarget
{
    public static void Fuzz(ReadOnlySpan<byte> data)
    {
        if (!CanonicalJson.TryParse(data, out var value, out var why))
        {
            if (why.Length == 0) throw new InvalidOperationException("refused without a reason");
            return;
        }
        if (!CanonicalJson.Write(value).AsSpan().SequenceEqual(data)) throw new InvalidOperationException("two encodings of one value");
    }
}

/// <summary>Any bytes as a message of each kind: never throws, and nothing unsigned is accepted.</summary>
public static class WireMessageTarget
{
    private static readonly Expectation Expected = new()
    {
        Keys = KeyRing.Empty.With(PinnedKey.Hs256(Enumerable.Range(7, 32).Select(i => (byte)i).ToArray(), "command_center", "k")), Audience = "thermostat-1",
        Topic = "signet/thermostat-1/command", Now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000),
    };

    public static void Fuzz(ReadOnlySpan<byte> data)
    {
        MessagePeek.TryReadUnverified(data, out _);
        var accepted = CommandMessage.TryVerify(data, Expected, out _, out var command) | ReceiptMessage.TryVerify(data, Expected, out _, out var receipt)
            | TelemetryMessage.TryVerify(data, Expected, out _, out var telemetry) | StatusMessage.TryVerify(data, Expected, out _, out var status) | HeartbeatMessage.TryVerify(data, Expected, out _, out var heartbeat)
            | RevocationMessage.TryVerify(data, Expected, out _, out var revocation)
            | DataMessage.TryVerify(data, Expected, out _, out var free);
        RevocationMessage.PeekChain(data);
        if (accepted) throw new InvalidOperationException("a message nobody signed was accepted");
        foreach (var rejection in (Rejection[])[command, receipt, telemetry, status, heartbeat, revocation, free])
            if (rejection.Reason == RejectReason.None || rejection.Detail.Length is 0 or > 300) throw new InvalidOperationException("refused without a reason");
    }
}

/// <summary>Any bytes as the claims of a message whose signature is right: what a holder of the key could send.</summary>
public static class WireClaimsTarget
{
    private static readonly byte[] Key = Enumerable.Range(7, 32).Select(i => (byte)i).ToArray();
    private static readonly string Header = System.Buffers.Text.Base64Url.EncodeToString("""{"alg":"HS256","kid":"k","typ":"signet-command+jwt"}"""u8);
    private static readonly Expectation Expected = new()
    {
        Keys = KeyRing.Empty.With(PinnedKey.Hs256(Key, "command_center", "k")), Audience = "thermostat-1", Topic = "signet/thermostat-1/command", Now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000),
    };

    public static void Fuzz(ReadOnlySpan<byte> data)
    {
        var signed = Encoding.ASCII.GetBytes($"{Header}.{System.Buffers.Text.Base64Url.EncodeToString(data)}");
        var tag = System.Buffers.Text.Base64Url.EncodeToString(System.Security.Cryptography.HMACSHA256.HashData(Key, signed));
        byte[] message = [.. signed, .. Encoding.ASCII.GetBytes("." + tag)];
        if (!CommandMessage.TryVerify(message, Expected, out var verified, out _)) return;
        using var key = SigningKey.Hs256(Key, "k");
        if (!CommandMessage.Sign(verified.Claims, key).AsSpan().SequenceEqual(message)) throw new InvalidOperationException("two encodings of one command");
    }
}

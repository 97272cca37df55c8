using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using Signet.Wire;

namespace Signet.Lab;

/// <summary>What a device did with some bytes.</summary>
internal readonly record struct DeviceAnswer(bool Executed, string Reason)
{
    /// <summary>One hit is enough for the attacker; the reasons of all refusals are told.</summary>
    public static Strike Judge(IReadOnlyList<DeviceAnswer> answers) => answers.FirstOrDefault(a => a.Executed) is { Executed: true } hit
        ? Strike.Succeeded(hit.Reason, answers.Count)
        : Strike.Blocked(string.Join(", ", answers.Select(a => a.Reason).Distinct()), answers.Count);
}

/// <summary>A device that an attacker can hand bytes to: its receiving half alone (<see cref="DeviceBench"/>), or whole (<see cref="WholeDevice"/>).</summary>
internal interface IDeviceUnderAttack
{
    /// <summary>The genuine center.</summary>
    CommandForge Commands { get; }

    /// <param name="topic">Where it arrives; null: the device's command topic.</param>
    DeviceAnswer Deliver(byte[] message, string? topic = null);

    /// <summary>Switches the device off and on.</summary>
    void Restart();
}

/// <summary>
/// The receiving half of a device, built from the house's own parts (verification, replay window, allowed list), so that the lab can leave one of them out.
/// With nothing left out it checks what the device agent checks, in the same order (verification, replay, allowed commands, arguments).
/// Each part that is left out is replaced by the mistake that systems in the field make: the comments say which.
/// </summary>
internal sealed class DeviceBench : IDeviceUnderAttack, IDisposable
{
    private readonly LabIdentities _who;
    private readonly string? _without;
    private readonly LabClock _clock;
    private readonly PinnedKey _center;
    private readonly List<PinnedKey> _pinned = [];
    private readonly KeyRing _ring;
    private readonly SealingKey _sealing;
    private readonly ManifestClaims _manifest;
    private readonly bool _onlySealed;
    private readonly HashSet<string> _proposals = new(StringComparer.Ordinal);
    private ReplayWindow _window = new();
    private ReplayState? _stored;

    /// <param name="without">Name of the control to leave out; null for the whole device.</param>
    /// <param name="onlySealed">Its owner wants commands sealed.</param>
    public DeviceBench(LabIdentities who, string? without, LabClock clock, RandomNumberGenerator random, bool onlySealed = false)
    {
        (_who, _without, _clock, _onlySealed) = (who, without, clock, onlySealed);
        _sealing = SealingKey.RsaOaep256(who.VictimSealing.Certificate.GetRSAPrivateKey()!, who.VictimSealing.Thumbprint);
        _manifest = who.ObeyedManifest(clock.GetUtcNow());
        _center = PinnedKey.FromCertificate(who.CenterSign.Certificate, LabIdentities.Center, "PS256");
        _pinned.Add(_center);
        // Left out, the ring takes any key for the center's: "a certificate is a certificate".
        if (Off("pinned-keys")) _pinned.Add(PinnedKey.FromCertificate(who.ForeignSign.Certificate, LabIdentities.Center, "PS256"));
        if (Off("issuer-binding")) _pinned.Add(PinnedKey.FromCertificate(who.NeighbourDevice.Certificate, LabIdentities.Center, "ES256"));
        else _pinned.Add(PinnedKey.FromCertificate(who.NeighbourDevice.Certificate, LabIdentities.Neighbour, "ES256"));
        _ring = _pinned.Aggregate(KeyRing.Empty, (ring, key) => ring.With(key));
        Commands = new CommandForge(who, clock, random) { OnlyCounts = Off("restore-epoch") };
    }

    /// <summary>The genuine center.</summary>
    public CommandForge Commands { get; }

    public int Executed { get; private set; }

    /// <summary>Never throws, unless the parser that does not is the part left out.</summary>
    public DeviceAnswer Deliver(byte[] message, string? topic = null)
    {
        var arrived = topic ?? Topics.Command(LabIdentities.Victim);
        // Left out: a parser that takes everything into memory and throws at what it does not know.
        if (Off("total-parser") && JsonNode.Parse(message) is null) return new(false, "null");
        // Left out: commands in plain JSON are taken as well, "for old devices".
        if (Off("signed-only") && TryPlain(message, out var plain)) return Act(plain, []);
        if (!TryOpen(message, arrived, out var signed, out var rejection)) return Refused(rejection);
        // Left out: the number counts as used as soon as it is read, whatever comes of the message.
        if (Off("commit-last") && !TryBurn(signed, out rejection)) return Refused(rejection);
        var bytes = Weaken(signed);
        if (!CommandMessage.TryVerify(bytes, Expect(bytes, arrived), out var command, out rejection)) return Refused(rejection);
        var claims = command.Claims;
        // Left out: nothing is remembered between two messages.
        var window = Off("replay-window") || Off("commit-last") ? new ReplayWindow() : _window;
        if (!window.Check(claims.Epoch, claims.Sequence, Off("epoch-bound") ? DateTimeOffset.MaxValue - WireLimits.MaximumSkew : _clock.GetUtcNow(), out rejection)) return Refused(rejection);
        if (!Off("device-allow-list") && !_manifest.Commands.Contains(claims.Command, StringComparer.Ordinal)) return new(false, "command-not-allowed");
        if (!Off("argument-schema") && !Fits(claims.Command, claims.Arguments)) return new(false, "bad-arguments");
        // Left out: the center's signature is enough for everything.
        if (!Off("two-person-rule") && !Quorum.IsMet(claims, _manifest, _clock.GetUtcNow(), out rejection)) return Refused(rejection);
        // Left out: approvals are looked at and not remembered.
        if (claims.Proposal is { } proposal && !_proposals.Add(proposal) && !Off("one-command-per-proposal")) return new(false, "approval-invalid");
        window.Commit(claims.Epoch, claims.Sequence);
        _stored = window.Export();
        return Act(claims.Command, claims.Arguments);
    }

    /// <summary>Switches the device off and on. What it keeps is what it stored before it acted; left out, it starts empty.</summary>
    public void Restart() => _window = Off("replay-memory") || _stored is null ? new() : ReplayWindow.Restore(_stored);

    private bool Off(string control) => _without == control;

    private static DeviceAnswer Refused(Rejection rejection) => new(false, RejectReasons.Of(rejection.Reason).Name);

    private bool TryOpen(byte[] message, string arrived, out byte[] signed, out Rejection rejection)
    {
        (signed, rejection) = (message, default);
        if (!SealedMessage.IsSealed(message))
        {
            // Left out: sealed or not, both are taken.
            if (_onlySealed && !Off("only-sealed")) rejection = new(RejectReason.AlgorithmNotAllowed, "only sealed commands are taken");
            return rejection.Reason == RejectReason.None;
        }
        var expected = new Expectation { Keys = _ring, Audience = LabIdentities.Victim, Topic = arrived, Now = _clock.GetUtcNow() };
        if (SealedMessage.TryOpen(message, _sealing, expected, out var opened, out rejection))
        {
            signed = opened;
            return true;
        }
        // Left out: what was encrypted is decrypted and handed on; whether it is whole is somebody else's matter.
        return Off("sealed-authentication") && rejection.Reason == RejectReason.CannotDecrypt && UnsealWithoutTag.TryOpen(message, _who.VictimSealing, out signed);
    }

    private bool TryBurn(byte[] signed, out Rejection rejection)
    {
        rejection = default;
        if (!TryClaims(signed, out var claims) || (long?)claims["epoch"] is not { } epoch || (long?)claims["seq"] is not { } sequence) return true;
        if (!_window.Check(epoch, sequence, _clock.GetUtcNow(), out rejection)) return false;
        _window.Commit(epoch, sequence);
        return true;
    }

    private DeviceAnswer Act(string command, JsonObject arguments)
    {
        Executed++;
        return new(true, $"executed {command}{(arguments.Count > 0 ? " " + arguments.ToJsonString() : "")}");
    }

    private static bool Fits(string command, JsonObject arguments) => command == "set-angle"
        ? arguments.Count == 1 && arguments["angle"] is JsonValue v && v.TryGetValue<long>(out var angle) && angle is >= 0 and <= 90
        : arguments.Count == 0;

    /// <summary>What the message is held against: this device, where it arrived, and the clock. Left out: the message itself.</summary>
    private Expectation Expect(byte[] message, string arrived)
    {
        var expected = new Expectation { Keys = _ring, Audience = LabIdentities.Victim, Topic = arrived, Now = _clock.GetUtcNow() };
        if (_without is not ("recipient" or "topic-binding" or "freshness" or "clock-skew") || !TryClaims(message, out var claims)) return expected;
        if (Off("recipient")) return expected with { Audience = (string?)claims["aud"], Topic = (string?)claims["topic"] ?? arrived };
        if (Off("topic-binding")) return expected with { Topic = (string?)claims["topic"] ?? arrived };
        var issued = DateTimeOffset.FromUnixTimeSeconds((long?)claims["iat"] ?? 0);
        return Off("freshness") && issued < expected.Now || Off("clock-skew") && issued > expected.Now ? expected with { Now = issued } : expected;
    }

    /// <summary>For controls inside verification: what a verifier without them would take is signed anew with the center's key, so that it passes the rest.</summary>
    private byte[] Weaken(byte[] message)
    {
        try
        {
            switch (_without)
            {
                case "signature": // Left out: the signature is decoded and never checked.
                {
                    var (header, claims, _) = JwsForge.Open(message);
                    return (string?)header["kid"] == _who.CenterSign.Thumbprint ? Resign(claims) : message;
                }
                case "algorithm-pinning": // Left out: the algorithm is the one the message names.
                {
                    var (header, claims, signature) = JwsForge.Open(message);
                    var signed = message.AsSpan(0, message.AsSpan().LastIndexOf((byte)'.')).ToArray();
                    var publicKey = _who.CenterSign.Certificate.PublicKey.ExportSubjectPublicKeyInfo();
                    return (string?)header["alg"] switch
                    {
                        "none" => Resign(claims),
                        "HS256" when CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(publicKey, signed), signature) => Resign(claims),
                        _ => message,
                    };
                }
                case "strict-header": // Left out: a key that comes along in the header is used.
                {
                    var (header, claims, signature) = JwsForge.Open(message);
                    if (header["jwk"] is not JsonObject jwk) return message;
                    using var rsa = RSA.Create(new RSAParameters { Modulus = Text64(jwk["n"]), Exponent = Text64(jwk["e"]) });
                    var signed = message.AsSpan(0, message.AsSpan().LastIndexOf((byte)'.'));
                    return rsa.VerifyData(signed, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pss) ? Resign(claims) : message;
                }
                case "message-type": // Left out: the kind of a genuine message is not looked at.
                    return Resign(JwsForge.Open(message).Claims);
                case "canonical-encoding": // Left out: a lenient reader that takes any spelling, and of two members the last.
                {
                    var parts = System.Text.Encoding.ASCII.GetString(message).Split('.');
                    return PythonJson.Parse(Base64.Lenient(parts[1])) is JsonObject claims ? Resign(claims) : message;
                }
                default:
                    return message;
            }
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException or IndexOutOfRangeException or CryptographicException or ArgumentException)
        {
            return message;
        }
    }

    private byte[] Resign(JsonObject claims) =>
        JwsForge.Make(JwsForge.Header("PS256", _who.CenterSign.Thumbprint, CommandMessage.Type), claims, JwsForge.Ps256(_who.CenterRsa));

    private static byte[] Text64(JsonNode? node) => System.Buffers.Text.Base64Url.DecodeFromChars((string)node!);

    private static bool TryClaims(byte[] message, out JsonObject claims)
    {
        try
        {
            claims = JwsForge.Open(message).Claims;
            return true;
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException or IndexOutOfRangeException)
        {
            claims = [];
            return false;
        }
    }

    private static bool TryPlain(byte[] message, out string command)
    {
        command = "";
        try
        {
            return JsonNode.Parse(message) is JsonObject o && (command = (string?)o["cmd"] ?? "").Length > 0;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        foreach (var key in _pinned) key.Dispose();
        _sealing.Dispose();
    }
}

/// <summary>Base64url as a lenient decoder reads it: unused bits are ignored.</summary>
internal static class Base64
{
    public static byte[] Lenient(string text) => PythonBase64.TryDecode(text.Replace('-', '+').Replace('_', '/').PadRight((text.Length + 3) / 4 * 4, '='), out var bytes) ? bytes : [];
}

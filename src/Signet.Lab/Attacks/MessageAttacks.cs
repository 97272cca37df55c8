using System.Buffers.Text;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Wire;

namespace Signet.Lab;

/// <summary>Attacks on a device by whoever can hand it bytes: broker, network and TLS are the attacker's here, so nothing but the message itself can stop them.</summary>
internal static class MessageAttacks
{
    private static readonly string[] Forge = ["T1692.001"], Alter = ["T0831", "T0836"], Repeat = ["T1692.001", "T0831"], Crash = ["T0814"];

    /// <summary>What the attacker does at a device; returns each answer in turn.</summary>
    private delegate IEnumerable<DeviceAnswer> Play(IDeviceUnderAttack device, LabIdentities who, LabClock clock, Random random);

    public static IEnumerable<Attack> All =>
    [
        Of("forged-command", "Signs a command with a key of its own.", "pinned-keys", "unknown-key", Forge,
            (d, who, _, _) => [d.Deliver(CommandMessage.Sign(d.Commands.Claims(), who.ForeignKey))]),
        Of("foreign-center-certificate", "Signs with a certificate of the right name from another authority.", "pinned-keys", "unknown-key", ["T1692.001", "T0859"],
            (d, who, _, _) => [d.Deliver(JwsForge.Make(JwsForge.Header("PS256", who.ForeignKey.KeyId, CommandMessage.Type), d.Commands.Json(), JwsForge.Ps256(who.ForeignRsa)))]),
        Of("forged-signature", "Puts its own signature under the center's key id.", "signature", "bad-signature", Forge,
            (d, who, _, _) => [d.Deliver(JwsForge.Make(JwsForge.Header("PS256", who.CenterKey.KeyId, CommandMessage.Type), d.Commands.Json(), JwsForge.Ps256(who.ForeignRsa)))]),
        Of("random-signature", "Puts random bytes where the signature belongs, 200 times.", "signature", "bad-signature", Forge,
            (d, who, _, random) => Enumerable.Range(0, 200).Select(_ => d.Deliver(JwsForge.Make(JwsForge.Header("PS256", who.CenterKey.KeyId, CommandMessage.Type), d.Commands.Json(), _ => Noise(random, 256))))),
        Of("tampered-command", "Changes the command of a genuine message and keeps its signature.", "signature", "bad-signature", Alter,
            (d, _, _, _) => [d.Deliver(Tampered(d.Commands.Genuine(), c => c["cmd"] = "close"))]),
        Of("tampered-argument", "Changes an argument of a genuine message.", "signature", "bad-signature", Alter,
            (d, _, _, _) => [d.Deliver(Tampered(d.Commands.Genuine(c => c with { Command = "set-angle", Arguments = new() { ["angle"] = 10 } }), c => c["args"]!["angle"] = 90))]),
        Of("rewritten-time", "Gives an old genuine message a new time.", "signature", "bad-signature", Repeat, (d, _, clock, _) =>
        {
            var old = d.Commands.Genuine();
            clock.Offset += TimeSpan.FromMinutes(10);
            return [d.Deliver(Tampered(old, c => (c["iat"], c["exp"]) = (clock.GetUtcNow().ToUnixTimeSeconds(), clock.GetUtcNow().ToUnixTimeSeconds() + 30)))];
        }),
        Of("rewritten-sequence", "Gives a message the device has seen a new sequence number.", "signature", "bad-signature", Repeat, (d, _, _, _) =>
        {
            var seen = d.Commands.Genuine();
            Expect(d.Deliver(seen));
            return [d.Deliver(Tampered(seen, c => c["seq"] = (long)c["seq"]! + 1))];
        }),
        Of("signature-barrage", "Tries 10,000 falsified signatures under a genuine message.", "signature", "bad-signature", Forge, (d, _, _, random) =>
        {
            var genuine = d.Commands.Genuine();
            var start = genuine.AsSpan().LastIndexOf((byte)'.') + 1;
            return Enumerable.Range(0, 10_000).Select(_ =>
            {
                byte[] hostile = [.. genuine];
                // Not the last character: it has bits that no decoder uses, and is another attack.
                for (var i = 0; i < 4; i++) hostile[random.Next(start, hostile.Length - 1)] = (byte)random.Next('A', 'Z' + 1);
                return d.Deliver(hostile);
            });
        }),
        Of("algorithm-none", "Names the algorithm none and leaves the signature empty.", "algorithm-pinning", "algorithm-not-allowed", Forge,
            (d, who, _, _) => [d.Deliver(JwsForge.Make(JwsForge.Header("none", who.CenterKey.KeyId, CommandMessage.Type), d.Commands.Json(), _ => []))]),
        Of("hmac-with-public-key", "Uses the center's public key, which everybody has, as an HMAC secret.", "algorithm-pinning", "algorithm-not-allowed", Forge,
            (d, who, _, _) => [d.Deliver(JwsForge.Make(JwsForge.Header("HS256", who.CenterKey.KeyId, CommandMessage.Type), d.Commands.Json(), JwsForge.Hs256(who.CenterSign.Certificate.PublicKey.ExportSubjectPublicKeyInfo())))]),
        Of("key-in-header", "Brings its own public key along in the header.", "strict-header", "malformed", Forge, (d, who, _, _) =>
        {
            var rsa = who.ForeignRsa;
            var parameters = rsa.ExportParameters(includePrivateParameters: false);
            var header = JwsForge.Header("PS256", who.CenterKey.KeyId, CommandMessage.Type);
            header["jwk"] = new JsonObject { ["kty"] = "RSA", ["n"] = Base64Url.EncodeToString(parameters.Modulus), ["e"] = Base64Url.EncodeToString(parameters.Exponent) };
            return [d.Deliver(JwsForge.Make(header, d.Commands.Json(), JwsForge.Ps256(rsa)))];
        }),
        Of("confused-type", "Presents a message of another kind, signed by the center, as a command.", "message-type", "malformed", Forge,
            (d, _, _, _) => [d.Deliver(d.Commands.Forced(d.Commands.Json(), "signet-revocation+jwt"))]),
        Of("neighbour-as-center", "A neighbour's device, whose key is known, signs in the center's name.", "issuer-binding", "algorithm-not-allowed", ["T1692.001", "T0859"], (d, who, _, _) =>
        {
            var claims = d.Commands.Json();
            claims["suite"] = Suite.Es256.Name;
            return [d.Deliver(JwsForge.MakeEs256(JwsForge.Header("ES256", who.NeighbourKey.KeyId, CommandMessage.Type), claims, who.NeighbourEcdsa))];
        }) with { Reason = "unknown-key" },
        Of("cross-device", "Hands the door a command that was signed for another device.", "recipient", "wrong-audience", Repeat,
            (d, _, _, _) => [d.Deliver(d.Commands.Genuine(device: LabIdentities.Neighbour))]),
        Of("cross-topic", "Hands the door its own command on another topic.", "topic-binding", "wrong-topic", Repeat,
            (d, _, _, _) => [d.Deliver(d.Commands.Genuine(), Topics.Checkpoint(LabIdentities.Victim))], benchOnly: true), // a whole device looks for commands on one topic only
        Of("immediate-replay", "Sends an executed command again at once, 100 times.", "replay-window", "replayed", Repeat, (d, _, _, _) =>
        {
            var seen = d.Commands.Genuine();
            Expect(d.Deliver(seen));
            return Enumerable.Range(0, 100).Select(_ => d.Deliver(seen));
        }),
        Of("late-replay", "Sends an executed command again after twenty others.", "replay-window", "replayed", Repeat, (d, _, _, _) =>
        {
            var seen = d.Commands.Genuine();
            Expect(d.Deliver(seen));
            for (var i = 0; i < 20; i++) Expect(d.Deliver(d.Commands.Genuine()));
            return [d.Deliver(seen)];
        }),
        Of("replay-behind-window", "Holds a command back until the window has moved past it.", "replay-window", "replayed", Repeat, (d, _, _, _) =>
        {
            var held = d.Commands.Genuine();
            for (var i = 0; i < WireLimits.ReplayWindow; i++) _ = d.Commands.Claims();
            Expect(d.Deliver(d.Commands.Genuine()));
            return [d.Deliver(held)];
        }),
        Of("replay-of-old-epoch", "Plays a command of before the center's restart.", "replay-window", "stale-epoch", Repeat, (d, _, clock, _) =>
        {
            var held = d.Commands.Genuine();
            clock.Offset += TimeSpan.FromSeconds(2);
            d.Commands.NextEpoch();
            Expect(d.Deliver(d.Commands.Genuine()));
            return [d.Deliver(held)];
        }),
        Of("replay-after-reboot", "Makes the device restart, then sends what it had executed.", "replay-memory", "replayed", Repeat, (d, _, _, _) =>
        {
            var seen = d.Commands.Genuine();
            Expect(d.Deliver(seen));
            d.Restart();
            return [d.Deliver(seen)];
        }),
        Of("replay-after-restore", "Keeps a command of a center that is lost, and hands it over when that center has been restored from a backup.", "restore-epoch", "stale-epoch", Repeat, (d, _, clock, _) =>
        {
            var backup = d.Commands.Epoch;
            for (var start = 0; start < 2; start++) // after the backup the center was started twice more
            {
                clock.Offset += TimeSpan.FromSeconds(2);
                d.Commands.NextEpoch();
            }
            Expect(d.Deliver(d.Commands.Genuine()));
            var held = d.Commands.Genuine();
            clock.Offset += TimeSpan.FromSeconds(2);
            d.Commands.Restore(backup);
            d.Deliver(d.Commands.Genuine()); // the restored center's first; a center that only counts locks itself out
            return [d.Deliver(held)];
        }),
        Of("delayed-command", "Holds a command back for 31 seconds.", "freshness", "expired", Repeat, (d, _, clock, _) =>
        {
            var held = d.Commands.Genuine();
            clock.Offset += TimeSpan.FromSeconds(31);
            return [d.Deliver(held)];
        }),
        Of("broker-delays-command", "A broker that has turned keeps three commands for half a minute and delivers them as if they had just been given.", "freshness", "expired", ["T1691", "T0831", "T0862"], (d, _, clock, _) =>
        {
            var kept = Enumerable.Range(0, 3).Select(_ => d.Commands.Genuine()).ToList();
            clock.Offset += TimeSpan.FromSeconds(31);
            return kept.Select(command => d.Deliver(command));
        }) with { Layer = AttackLayer.Supply },
        Of("replay-next-day", "Sends yesterday's command to a device that forgot yesterday.", "freshness", "expired", Repeat, (d, _, clock, _) =>
        {
            var held = d.Commands.Genuine();
            clock.Offset += TimeSpan.FromDays(1);
            return [d.Deliver(held)];
        }),
        Of("short-lived-command", "Delivers a command two seconds after its own expiry.", "freshness", "expired", Repeat, (d, _, clock, _) =>
        {
            var held = d.Commands.Genuine(c => c with { ExpiresAt = c.IssuedAt + TimeSpan.FromSeconds(3) });
            clock.Offset += TimeSpan.FromSeconds(5);
            return [d.Deliver(held)];
        }),
        Of("future-command", "Stores up a command dated a minute ahead.", "clock-skew", "issued-in-future", Repeat,
            (d, _, clock, _) => [d.Deliver(d.Commands.Genuine(c => c with { IssuedAt = clock.GetUtcNow().AddMinutes(1), ExpiresAt = clock.GetUtcNow().AddMinutes(2) }))]),
        Of("epoch-from-the-future", "With the center's key, spends an epoch years ahead to lock the true center out.", "epoch-bound", "issued-in-future", ["T0814", "T1692.001"],
            (d, _, clock, _) => [d.Deliver(d.Commands.Genuine(c => c with { Epoch = clock.GetUtcNow().AddYears(5).ToUnixTimeSeconds() }))]) with { Layer = AttackLayer.Supply },
        Of("unlisted-command", "With the center's key, orders what this device was never to do.", "device-allow-list", "command-not-allowed", ["T1692.001", "T0816"],
            (d, _, _, _) => [d.Deliver(d.Commands.Genuine(c => c with { Command = "update-firmware" }))]) with { Layer = AttackLayer.Supply },
        Of("argument-out-of-range", "With the center's key, sets an angle of 5,000 degrees.", "argument-schema", "bad-arguments", ["T0836", "T0831"],
            (d, _, _, _) => [d.Deliver(d.Commands.Genuine(c => c with { Command = "set-angle", Arguments = new() { ["angle"] = 5000 } }))]) with { Layer = AttackLayer.Supply },
        Of("smuggled-argument", "Adds an argument the device does not know.", "argument-schema", "bad-arguments", ["T0836"],
            (d, _, _, _) => [d.Deliver(d.Commands.Genuine(c => c with { Arguments = new() { ["force"] = true } }))]) with { Layer = AttackLayer.Supply },
        Of("burned-number", "Sends a falsified copy of a command before the command itself, so that the device takes the true one for a replay.", "commit-last", "bad-signature", ["T1691", "T0813"], (d, _, _, _) =>
        {
            var genuine = d.Commands.Genuine();
            var answer = d.Deliver(Tampered(genuine, c => c["cmd"] = "close"));
            return [d.Deliver(genuine) is { Executed: false } lost ? new(true, $"the genuine command was lost: {lost.Reason}") : answer];
        }),
        Of("tampered-ciphertext", "Flips bits of a sealed command and learns from the different answers what is inside.", "sealed-authentication", "cannot-decrypt", ["T0831", "T0882"], (d, who, _, random) =>
        {
            var sealed_ = Sealed(d, who);
            return Enumerable.Range(0, 40).Select(_ => Telling(d.Deliver(SealedForge.Flip(sealed_, 3, random))));
        }),
        Of("swapped-key-blob", "Puts the encrypted key of one sealed command into another.", "sealed-authentication", "cannot-decrypt", ["T0831", "T1691"], (d, who, _, _) =>
        {
            var (one, other) = (Sealed(d, who), Sealed(d, who));
            var answer = Telling(d.Deliver(SealedForge.Swap(one, other, 1)));
            return [d.Deliver(one) is { Executed: false } lost ? new(true, $"the genuine command was lost: {lost.Reason}") : answer];
        }),
        Of("rewritten-envelope", "Rewrites the topic on the envelope of a sealed command.", "sealed-authentication", "cannot-decrypt", ["T0831"],
            (d, who, _, _) => [Telling(d.Deliver(SealedForge.Header(Sealed(d, who, Topics.Checkpoint(LabIdentities.Victim)), h => h["topic"] = Topics.Command(LabIdentities.Victim))))]),
        Of("unsealed-command", "With the center's key, sends a command in the open to a device that takes only sealed ones.", "only-sealed", "algorithm-not-allowed", Forge,
            (d, _, _, _) => [d.Deliver(d.Commands.Genuine())], onlySealed: true) with { Layer = AttackLayer.Supply },
        Two("stolen-center-key", "With the center's key, sends a command that two people must agree to, and asks nobody.", "approval-missing", (d, _, _) => d.Commands.Genuine(c => c with { Command = LabIdentities.TwoPersonCommand })),
        Two("one-person-twice", "With the center's key and one approver's, gives that approver's yes twice.", "approval-missing", (d, who, clock) => Approved(d, p => [Approval(d, who.Alice, "alice", p, clock), Approval(d, who.Alice, "alice", p, clock)])),
        Two("invented-approvals", "With the center's key, signs the approvals itself, in the approvers' names.", "approval-invalid", (d, who, clock) => Approved(d, p => [Approval(d, who.Mallory, "alice", p, clock), Approval(d, who.Mallory, "bob", p, clock)])),
        Two("approvals-for-another-command", "With the center's key, attaches genuine approvals that two people gave to something harmless.", "approval-invalid",
            (d, who, clock) => Approved(d, p => [Approval(d, who.Alice, "alice", p, clock, a => a with { Command = "close" }), Approval(d, who.Bob, "bob", p, clock, a => a with { Command = "close" })])),
        Two("approvals-for-another-device", "With the center's key, attaches approvals that were given for the neighbour.", "approval-invalid",
            (d, who, clock) => Approved(d, p => [Approval(d, who.Alice, "alice", p, clock, a => a with { Devices = [LabIdentities.Neighbour] }), Approval(d, who.Bob, "bob", p, clock, a => a with { Devices = [LabIdentities.Neighbour] })])),
        Two("own-request-approved", "An approver asks for the command and counts as one of the two.", "approval-invalid",
            (d, who, clock) => Approved(d, p => [Approval(d, who.Alice, "alice", p, clock, a => a with { Requester = "alice" }), Approval(d, who.Bob, "bob", p, clock, a => a with { Requester = "alice" })])),
        Two("expired-approvals", "With the center's key, attaches approvals whose time has passed.", "approval-invalid", (d, who, clock) =>
        {
            var approved = Approvals(d, p => [Approval(d, who.Alice, "alice", p, clock), Approval(d, who.Bob, "bob", p, clock)]);
            clock.Offset += TimeSpan.FromHours(2);
            return d.Commands.Genuine(approved);
        }),
        Of("approvals-used-twice", "With the center's key, makes a second command of approvals that were carried out once.", "one-command-per-proposal", "approval-invalid", ["T1692.001", "T0862"], (d, who, clock, _) =>
        {
            var approved = Approvals(d, p => [Approval(d, who.Alice, "alice", p, clock), Approval(d, who.Bob, "bob", p, clock)]);
            Expect(d.Deliver(d.Commands.Genuine(approved)));
            return [d.Deliver(d.Commands.Genuine(approved))];
        }) with { Layer = AttackLayer.Supply },
        Of("second-spelling", "Spells a genuine message in a second way, to slip past whatever compares bytes.", "canonical-encoding", "malformed", Alter,
            (d, _, _, _) => [d.Deliver(JwsForge.SecondSpelling(d.Commands.Genuine()))]),
        Of("white-space", "Gets a message signed with white space inside, which two readers may see differently.", "canonical-encoding", "malformed", Alter,
            (d, who, _, _) => [d.Deliver(ForcedBytes(who, Encoding.UTF8.GetBytes(d.Commands.Json().ToJsonString().Replace(",", ", ", StringComparison.Ordinal))))]),
        Of("duplicate-member", "Gets a message signed that names two commands; readers differ in which one counts.", "canonical-encoding", "malformed", Alter,
            (d, who, _, _) => [d.Deliver(ForcedBytes(who, Encoding.UTF8.GetBytes(d.Commands.Json().ToJsonString().Replace("\"cmd\":\"open\"", "\"cmd\":\"check-status\",\"cmd\":\"open\"", StringComparison.Ordinal))))]),
        Of("plain-command", "Sends a command as plain JSON, as the paper's attacker does.", "signed-only", "malformed", Forge,
            (d, _, _, _) => [d.Deliver("""{"cmd":"open","type":"cmd","value":"UNLOCK"}"""u8.ToArray())]),
        Crashes("garbage", "Sends random bytes of all lengths, 1,000 times.", "malformed",
            (d, random) => Enumerable.Range(0, 1000).Select(i => d.Deliver(Noise(random, random.Next(0, 2048))))),
        Crashes("half-a-message", "Sends a genuine message cut off at every place.", "malformed", (d, _) =>
        {
            var genuine = d.Commands.Genuine();
            return Enumerable.Range(0, genuine.LastIndexOf((byte)'.')).Select(length => d.Deliver(genuine[..length]));
        }),
        Crashes("deep-nesting", "Sends JSON nested ten thousand deep.", "malformed",
            (d, _) => [d.Deliver(Encoding.ASCII.GetBytes(new string('[', 10_000))), d.Deliver(JwsForge.Make(Encoding.ASCII.GetBytes(new string('[', 150)), Encoding.ASCII.GetBytes(new string('[', 10_000)), _ => []))]),
        Crashes("oversized", "Sends a megabyte.", "too-large", (d, random) => [d.Deliver(Noise(random, 1 << 20))], benchOnly: true), // no broker hands a whole device more than it asked for
    ];

    /// <param name="benchOnly">It cannot be handed to a whole device.</param>
    /// <param name="onlySealed">Against a device that takes only sealed commands.</param>
    private static Attack Of(string name, string says, string control, string reason, string[] techniques, Play play, bool benchOnly = false, bool onlySealed = false) => new()
    {
        Name = name,
        Layer = AttackLayer.Message,
        Says = says,
        Control = control,
        Reason = reason,
        Techniques = techniques,
        Secure = async (lab, without, cancellationToken) =>
        {
            var half = OnTheBench(lab, name, without, onlySealed, play);
            // Parts can be left out of the receiving half only; the device as it is must answer the same.
            if (without is not null || benchOnly || half.Result != StrikeResult.Blocked) return half;
            return half.Both(await OnAWholeDeviceAsync(lab, name, onlySealed, play, cancellationToken), "a whole device");
        },
        Open = OpenCounterparts.For(name),
        WhyNotOpen = OpenCounterparts.WhyNot,
    };

    /// <summary>Attacks whose goal is to bring the receiver down: an exception that gets out is their success.</summary>
    private static Attack Crashes(string name, string says, string reason, Func<IDeviceUnderAttack, Random, IEnumerable<DeviceAnswer>> play, bool benchOnly = false)
    {
        var attack = Of(name, says, "total-parser", reason, Crash, (d, _, _, random) => play(d, random), benchOnly);
        return attack with
        {
            Secure = async (lab, without, cancellationToken) =>
            {
                try
                {
                    return await attack.Secure(lab, without, cancellationToken);
                }
                catch (Exception e) when (e is System.Text.Json.JsonException or InvalidOperationException)
                {
                    return Lab.Strike.Succeeded($"the receiver fell over: {e.GetType().Name}");
                }
            },
        };
    }

    private static Strike OnTheBench(LabContext lab, string name, string? without, bool onlySealed, Play play)
    {
        var clock = new LabClock(lab.Time);
        using var device = new DeviceBench(lab.Identities, without, clock, lab.Secrets, onlySealed);
        return DeviceAnswer.Judge([.. play(device, lab.Identities, clock, lab.RandomFor(name))]);
    }

    /// <summary>How many messages of one attack a whole device gets: it answers ten refusals at once, and then one a second.</summary>
    private const int ForAWholeDevice = 8;

    private static async Task<Strike> OnAWholeDeviceAsync(LabContext lab, string name, bool onlySealed, Play play, CancellationToken cancellationToken)
    {
        var clock = new LabClock(lab.Time);
        await using var device = await WholeDevice.StartAsync(lab, clock, onlySealed, cancellationToken);
        return DeviceAnswer.Judge(await Task.Run(() => play(device, lab.Identities, clock, lab.RandomFor(name)).Take(ForAWholeDevice).ToList(), cancellationToken));
    }

    /// <summary>Supply attacks on the rule that two people must agree.</summary>
    private static Attack Two(string name, string says, string reason, Func<IDeviceUnderAttack, LabIdentities, LabClock, byte[]> make) =>
        Of(name, says, "two-person-rule", reason, ["T1692.001", "T0862"], (d, who, clock, _) => [d.Deliver(make(d, who, clock))]) with { Layer = AttackLayer.Supply };

    private static byte[] Approved(IDeviceUnderAttack device, Func<string, string[]> approve) => device.Commands.Genuine(Approvals(device, approve));

    private static Func<CommandClaims, CommandClaims> Approvals(IDeviceUnderAttack device, Func<string, string[]> approve)
    {
        var proposal = device.Commands.Claims().Id;
        var approvals = approve(proposal);
        return c => c with { Command = LabIdentities.TwoPersonCommand, Proposal = proposal, Approvals = approvals };
    }

    private static string Approval(IDeviceUnderAttack device, Pki.IssuedCertificate signer, string person, string proposal, LabClock clock, Func<ApprovalClaims, ApprovalClaims>? change = null)
    {
        using var ecdsa = signer.Certificate.GetECDsaPrivateKey()!;
        using var key = SigningKey.Es256(ecdsa, signer.Thumbprint);
        var claims = new ApprovalClaims
        {
            Issuer = person, Id = device.Commands.Claims().Id, IssuedAt = clock.GetUtcNow(), Proposal = proposal, Class = LabIdentities.TwoPersonClass, Devices = [LabIdentities.Victim],
            Command = LabIdentities.TwoPersonCommand, Arguments = [], NotAfter = clock.GetUtcNow().AddHours(1), Requester = "carol",
        };
        return Encoding.ASCII.GetString(ApprovalMessage.Sign(change is null ? claims : change(claims), key));
    }

    private static byte[] Sealed(IDeviceUnderAttack device, LabIdentities who, string? topic = null)
    {
        using var recipient = SealingRecipient.FromCertificate(who.VictimSealing.Certificate, LabIdentities.Victim);
        return SealedMessage.Seal(device.Commands.Genuine(), recipient, topic ?? Topics.Command(LabIdentities.Victim), device.Commands.Random);
    }

    /// <summary>An answer that tells one falsified envelope from another is what the attacker is after.</summary>
    private static DeviceAnswer Telling(DeviceAnswer answer) => answer is { Executed: false, Reason: "cannot-decrypt" } ? answer : new(true, $"the answer {answer.Reason} tells something about the content");

    /// <summary>A genuine message that prepares the ground must work, or the attack proves nothing.</summary>
    private static void Expect(DeviceAnswer genuine)
    {
        if (!genuine.Executed) throw new LabException($"a genuine command was refused: {genuine.Reason}");
    }

    private static byte[] Tampered(byte[] genuine, Action<JsonObject> change)
    {
        var (header, claims, signature) = JwsForge.Open(genuine);
        change(claims);
        return JwsForge.Make(header, claims, _ => signature);
    }

    private static byte[] ForcedBytes(LabIdentities who, byte[] payload) =>
        JwsForge.Make(CanonicalJson.Write(JwsForge.Header("PS256", who.CenterKey.KeyId, CommandMessage.Type)), payload, JwsForge.Ps256(who.CenterRsa));

    private static byte[] Noise(Random random, int bytes)
    {
        var noise = new byte[bytes];
        random.NextBytes(noise);
        return noise;
    }
}

using System.Text;
using Signet.Access;
using Signet.Mqtt;
using Signet.Mqtt.Client;
using Signet.Pki;

namespace Signet.Lab;

/// <summary>Attacks on the broker by somebody who can reach it: strangers without a good certificate, and the neighbour, whose certificate is genuine.</summary>
internal static class BrokerAttacks
{
    private const string Victim = LabIdentities.Victim, Neighbour = LabIdentities.Neighbour;

    private static readonly string[] Stranger = ["T0859", "T0849"], Inject = ["T1692.001", "T0848"], Report = ["T1692.002", "T0832"], Listen = ["T0842", "T0861"], Flood = ["T0814", "T0813"];

    public static IEnumerable<Attack> All =>
    [
        Of("no-certificate", "Connects without a certificate, under a device's client id.", "client-certificate", "certificate-missing", ["T0849", "T0812"], (b, ct) => EnterAsync(b, null, Victim, ct)) with { Open = OpenAsync(OpenBrokerAttacks.EnterAsync) },
        Of("name-and-password-instead", "Sends a user name and a password where a certificate belongs.", "client-certificate", "certificate-missing", ["T0812", "T0859"],
            (b, ct) => EnterAsync(b, null, "anyone", ct, o => o with { UserName = Victim, Password = "password"u8.ToArray() })) with { Open = OpenAsync(OpenBrokerAttacks.EnterAsync) },
        Of("foreign-certificate", "Brings a certificate with a device's name from another authority.", "trusted-roots", "certificate-untrusted", Stranger, (b, ct) => EnterAsync(b, b.Who.ForeignDevice, Victim, ct)),
        Of("expired-certificate", "Brings a genuine certificate that ran out an hour ago.", "certificate-dates", "certificate-expired", Stranger, ExpiredAsync),
        Of("revoked-certificate", "Brings a certificate that was revoked.", "revocation", "certificate-revoked", Stranger, RevokedAsync),
        Of("reconnect-after-revocation", "Comes back after its revocation, offering to resume the TLS session of before.", "revocation", "certificate-revoked", Stranger, ResumeAsync),
        Of("server-certificate-as-client", "Uses the broker's own certificate, stolen, as a client's.", "key-usage", "certificate-wrong-usage", ["T0859", "T0848"], (b, ct) => EnterAsync(b, b.Who.BrokerServer, "mqtt_broker", ct)),
        Of("client-id-takeover", "Connects with the victim's client id to throw it out.", "session-identity", "the victim stayed connected", ["T1691", "T0813", "T0849"], TakeoverAsync) with { Open = OpenAsync(OpenBrokerAttacks.TakeoverAsync) },
        Of("queued-message-theft", "Connects with the client id of a device that is away, to be handed its queued commands.", "session-identity", "no message came", ["T0842", "T1691"], StealQueueAsync) with { Open = OpenAsync(OpenBrokerAttacks.StealQueueAsync) },
        Of("publish-as-center", "A device publishes on another device's command topic.", "acl-publish", "no-rule-allows", Inject, (b, ct) => PublishAsync(b, $"signet/{Victim}/command", retain: false, ct)) with { Open = OpenAsync(OpenBrokerAttacks.PublishAsync) },
        Of("publish-as-neighbour", "A device publishes readings in another device's branch.", "acl-publish", "no-rule-allows", Report, (b, ct) => PublishAsync(b, $"signet/{Victim}/telemetry/door", retain: false, ct)),
        Of("topic-alias-remap", "Sets a topic alias on its own topic, then points it at another device's.", "acl-publish", "no-rule-allows", Inject, RemapAsync),
        Of("retained-poison", "Leaves a retained message where only passing ones are allowed.", "acl-retain", "no-rule-allows", ["T0832", "T1692.002"], (b, ct) => PublishAsync(b, $"signet/{Neighbour}/telemetry/door", retain: true, ct)) with { Open = OpenAsync(OpenBrokerAttacks.RetainAsync) },
        Of("will-around-the-acl", "Names another device's command topic as its last will, then dies.", "acl-will", "no-rule-allows", Inject, WillAsync) with { Open = OpenAsync(OpenBrokerAttacks.WillAsync) },
        Of("subscribe-to-neighbour", "Subscribes to another device's commands.", "acl-subscribe", "no-rule-allows", Listen, (b, ct) => SubscribeAsync(b, $"signet/{Victim}/command", ct)) with { Open = OpenAsync((h, ct) => OpenBrokerAttacks.ListenAsync(h, PaperNames.OpenTopic, ct)) },
        Of("wildcard-greed", "Subscribes to everything.", "acl-subscribe", "no-rule-allows", ["T0842", "T0861", "T0840"], (b, ct) => SubscribeAsync(b, "#", ct)) with { Open = OpenAsync((h, ct) => OpenBrokerAttacks.ListenAsync(h, "#", ct)) },
        Of("wildcard-in-the-middle", "Subscribes to everybody's commands with one plus sign.", "acl-subscribe", "no-rule-allows", Listen, (b, ct) => SubscribeAsync(b, "signet/+/command", ct)) with { Open = OpenAsync((h, ct) => OpenBrokerAttacks.ListenAsync(h, "home/+", ct)) },
        Of("shared-subscription", "Takes a share of another device's commands, so that some never reach it.", "acl-shared", "no-rule-allows", ["T1691", "T0842"], (b, ct) => SubscribeAsync(b, $"$share/thieves/signet/{Victim}/command", ct)) with { Open = OpenAsync((h, ct) => OpenBrokerAttacks.ListenAsync(h, "$share/thieves/" + PaperNames.OpenTopic, ct)) },
        Of("read-broker-status", "Reads what the broker says about itself and its clients.", "acl-subscribe", "broker-status-for-nobody-else", ["T0888", "T0840"], (b, ct) => SubscribeAsync(b, "$SYS/#", ct)) with { Open = OpenAsync(OpenBrokerAttacks.ReadStatusAsync) },
        Of("old-subscription", "Keeps a subscription from before the policy was tightened.", "acl-deliver", "no-rule-allows", Listen, OldSubscriptionAsync),
        Of("stay-after-revocation", "Stays connected after its certificate was revoked.", "live-cut", "certificate-revoked", Stranger, StayAsync),
        Of("queued-after-revocation", "Is away when it is revoked, and would find its commands waiting.", "live-cut", "its session and queue were purged", ["T0842", "T0859"], QueuedAfterRevocationAsync),
        Of("oversized-packet", "Sends a packet of a megabyte.", "packet-limit", "packet-too-large", Flood, OversizedAsync) with { Open = OpenAsync(OpenBrokerAttacks.OversizedAsync) },
        Of("malformed-packets", "Sends eighteen packets that no client may send, one after the other, to bring the broker down or to be taken seriously.", "packet-reader", "closed, each as an error of the protocol", ["T0814", "T0819"], MalformedAsync),
        Of("connection-hoarding", "One device opens forty connections.", "identity-quota", "identity has 8 connections", Flood, HoardAsync) with { Open = OpenAsync(OpenBrokerAttacks.HoardAsync) },
        Of("message-flood", "One device sends 2,000 messages at once.", "rate-limit", "identity sends faster than it may; reading slows down", Flood, FloodAsync) with { Open = OpenAsync(OpenBrokerAttacks.FloodAsync) },
    ];

    public static IReadOnlyList<Control> Controls { get; } =
    [
        Control("client-certificate", "Who has no certificate is nobody.", ["IEC CR 1.2", "ETSI 5.1", "ETSI 5.5", "OWASP I1", "OWASP I9"], "a listener and a policy that take the client id for the name"),
        Control("trusted-roots", "Certificates lead to the house's own root.", ["IEC CR 1.8", "IEC CR 1.9"], "a validator that takes any certificate and believes its common name"),
        Control("certificate-dates", "A certificate counts only while it is valid.", ["IEC CR 1.8", "IEC CR 1.5"], "a judge with a clock that stands still"),
        Control("revocation", "Every handshake looks at the present revocations; no session is resumed.", ["IEC CR 1.8", "IEC CR 1.5", "OWASP I8"], "a judge with yesterday's empty list"),
        Control("key-usage", "A certificate is good for its own purpose only.", ["IEC CR 1.8", "IEC CR 1.9"], "a validator that passes over wrong usage"),
        Control("session-identity", "Sessions belong to (identity, client id).", ["IEC CR 3.8", "IEC CR 2.1"], "a policy that gives everybody one identity"),
        Control("acl-publish", "Nobody publishes outside its own branch.", ["IEC CR 2.1", "ETSI 5.5", "OWASP I3"], "a policy that allows every publish"),
        Control("acl-retain", "Keeping a message needs its own permission.", ["IEC CR 2.1"], "a policy that allows every retained publish"),
        Control("acl-will", "A last will is asked about like any publish, when it is left.", ["IEC CR 2.1"], "a policy that allows every will"),
        Control("acl-subscribe", "Nobody reads outside its own branch.", ["IEC CR 2.1", "IEC CR 4.1", "ETSI 5.8", "OWASP I6"], "a policy that allows every subscription and its deliveries"),
        Control("acl-shared", "A shared subscription is asked about by its real filter.", ["IEC CR 2.1"], "a policy that allows every shared subscription"),
        Control("acl-deliver", "Each delivery is asked about again, so a changed policy acts on old subscriptions.", ["IEC CR 2.1", "IEC CR 2.6"], "a policy that asks at the subscription alone"),
        Control("live-cut", "Revoking cuts live sessions and purges what waits for them.", ["IEC CR 2.6", "OWASP I8"], "a broker that is not told of revocations"),
        Control("packet-limit", "Packets have a greatest size.", ["IEC CR 7.1", "IEC CR 7.2", "ETSI 5.13"], "a broker with a limit of 16 MiB"),
        Control("packet-reader", "What is not MQTT to the letter closes its connection and no other.", ["IEC CR 3.5", "ETSI 5.13", "IEC CR 7.1"], "a reader that passes over what it does not understand and goes on"),
        Control("identity-quota", "One identity has few connections.", ["IEC CR 7.1", "IEC CR 7.2", "ETSI 5.9"], "a broker without that quota"),
        Control("rate-limit", "A device that sends too fast is read more slowly.", ["IEC CR 7.1", "IEC CR 7.2", "ETSI 5.9", "ETSI 5.10"], "a broker without that limit"),
    ];

    /// <summary>Tries to come in and ask for something; being let in is enough.</summary>
    private static async Task<Strike> EnterAsync(BrokerBench bench, IssuedCertificate? certificate, string clientId, CancellationToken cancellationToken, Func<MqttClientOptions, MqttClientOptions>? change = null)
    {
        try
        {
            await using var client = await bench.ConnectAsync(certificate, clientId, cancellationToken, change);
            return Strike.Succeeded("was let in");
        }
        catch (MqttException)
        {
            await Waiting.UntilAsync(() => bench.Refusals.Count > 0, TimeProvider.System, cancellationToken); // the listener may speak a moment later
            return Strike.Blocked(bench.Refusals.LastOrDefault() ?? "no-answer");
        }
    }

    private static async Task<Strike> ExpiredAsync(BrokerBench bench, CancellationToken cancellationToken)
    {
        using var old = bench.Who.Authority.Issue(new(CertificateProfile.Device, "door-expired", Lifetime: TimeSpan.FromHours(1)));
        bench.Clock.Offset = TimeSpan.FromHours(2);
        return await EnterAsync(bench, old, old.Name, cancellationToken);
    }

    private static async Task<Strike> RevokedAsync(BrokerBench bench, CancellationToken cancellationToken)
    {
        using var lost = bench.Who.Authority.Issue(new(CertificateProfile.Device, "door-revoked"));
        bench.Who.Authority.Revoke(lost.Serial, RevocationReason.KeyCompromise);
        return await EnterAsync(bench, lost, lost.Name, cancellationToken);
    }

    private static async Task<Strike> ResumeAsync(BrokerBench bench, CancellationToken cancellationToken)
    {
        using var lost = bench.Who.Authority.Issue(new(CertificateProfile.Device, "door-resuming"));
        // One options object for both handshakes: the platform keeps TLS sessions by it and offers to resume.
        var tls = bench.ClientTls(lost, bench.Who.Authority.Root);
        var options = bench.Options(lost, lost.Name) with { Tls = () => tls };
        await using (await MqttClient.ConnectAsync(options, cancellationToken)) { }
        bench.Who.Authority.Revoke(lost.Serial, RevocationReason.KeyCompromise);
        return await EnterAsync(bench, lost, lost.Name, cancellationToken, _ => options);
    }

    private static async Task<Strike> TakeoverAsync(BrokerBench bench, CancellationToken cancellationToken)
    {
        await using var victim = await bench.VictimAsync(cancellationToken);
        await using var thief = await bench.ConnectAsync(bench.Who.NeighbourDevice, victim.ClientId, cancellationToken);
        return await Waiting.UntilAsync(() => !victim.IsConnected, TimeProvider.System, cancellationToken, TimeSpan.FromMilliseconds(400))
            ? Strike.Succeeded("the victim was thrown out")
            : Strike.Blocked("the victim stayed connected");
    }

    private static async Task<Strike> StealQueueAsync(BrokerBench bench, CancellationToken cancellationToken)
    {
        await using (await bench.VictimAsync(cancellationToken, sessionExpiry: TimeSpan.FromMinutes(1))) { }
        await using var center = await bench.CenterAsync(cancellationToken);
        await center.PublishAsync(new() { Topic = $"signet/{Victim}/command", Payload = "queued"u8.ToArray(), QoS = QoS.AtLeastOnce }, cancellationToken);
        await using var thief = await bench.ConnectAsync(bench.Who.NeighbourDevice, Victim, cancellationToken, o => o with { CleanStart = false });
        // Where sessions belong to client ids, deliveries are still asked about; the queue of another identity must not even exist here.
        var stolen = await thief.NextAsync(TimeProvider.System, cancellationToken, TimeSpan.FromMilliseconds(500));
        if (stolen is not null || bench.Broker.Sessions().Count(s => s.ClientId == Victim) == 1) return Strike.Succeeded(stolen is null ? "the queue was lost to the thief's session" : "was handed the queued command");
        return Strike.Blocked("no message came");
    }

    private static async Task<Strike> PublishAsync(BrokerBench bench, string topic, bool retain, CancellationToken cancellationToken)
    {
        await using var neighbour = await bench.ConnectAsync(bench.Who.NeighbourDevice, Neighbour, cancellationToken);
        var answer = await neighbour.PublishAsync(new() { Topic = topic, Payload = "hostile"u8.ToArray(), QoS = QoS.AtLeastOnce, Retain = retain }, cancellationToken);
        if (answer.IsAccepted) return Strike.Succeeded("the broker took it");
        await Waiting.UntilAsync(() => bench.Refusals.Count > 0, TimeProvider.System, cancellationToken);
        return Strike.Blocked(bench.Refusals.LastOrDefault() ?? answer.Reason.ToString());
    }

    private static async Task<Strike> RemapAsync(BrokerBench bench, CancellationToken cancellationToken)
    {
        await using var victim = await bench.VictimAsync(cancellationToken);
        await using var peer = await RawPeer.OpenAsync(bench, bench.Who.NeighbourDevice, cancellationToken);
        await peer.SendAsync(RawPeer.Connect(Neighbour), cancellationToken);
        await peer.ReadAsync(cancellationToken);
        await peer.SendAsync(
        [
            .. RawPeer.PublishAlias($"signet/{Neighbour}/telemetry/door", 1, "harmless"), .. RawPeer.PublishAlias($"signet/{Victim}/command", 1, "re-mapped"), .. RawPeer.PublishAlias("", 1, "by alias"),
        ], cancellationToken);
        return await victim.NextAsync(TimeProvider.System, cancellationToken, TimeSpan.FromMilliseconds(500)) is not null
            ? Strike.Succeeded("the victim received it")
            : Strike.Blocked(bench.Refusals.LastOrDefault() ?? "no message came");
    }

    private static async Task<Strike> WillAsync(BrokerBench bench, CancellationToken cancellationToken)
    {
        var strike = await EnterAsync(bench, bench.Who.NeighbourDevice, Neighbour, cancellationToken,
            o => o with { Will = new(new() { Topic = $"signet/{Victim}/command", Payload = "from beyond"u8.ToArray() }) });
        return strike.Result == StrikeResult.Succeeded ? Strike.Succeeded("the will was taken") : strike with { Reason = strike.Reason.Replace("last will: ", "", StringComparison.Ordinal) };
    }

    private static async Task<Strike> SubscribeAsync(BrokerBench bench, string filter, CancellationToken cancellationToken)
    {
        await using var neighbour = await bench.ConnectAsync(bench.Who.NeighbourDevice, Neighbour, cancellationToken);
        var granted = await neighbour.SubscribeAsync(filter);
        if (!granted[0].IsAccepted)
        {
            await Waiting.UntilAsync(() => bench.Refusals.Count > 0, TimeProvider.System, cancellationToken);
            return Strike.Blocked(bench.Refusals.LastOrDefault() ?? granted[0].Reason.ToString());
        }
        await using var center = await bench.CenterAsync(cancellationToken);
        await center.PublishAsync(new() { Topic = $"signet/{Victim}/command", Payload = "for the victim"u8.ToArray(), QoS = QoS.AtLeastOnce }, cancellationToken);
        return await neighbour.NextAsync(TimeProvider.System, cancellationToken) is { } heard ? Strike.Succeeded($"heard a message on {heard.Topic}") : Strike.Blocked("no message came");
    }

    private static async Task<Strike> OldSubscriptionAsync(BrokerBench bench, CancellationToken cancellationToken)
    {
        // A policy under which the neighbour may listen, until it is replaced by the house's own.
        var loose = new AccessPolicy(1, [.. AccessPolicy.Default.Rules, new PolicyRule("neighbours-listen", Effect.Allow, Subjects.Devices,
            new HashSet<TopicAction> { TopicAction.Subscribe, TopicAction.Deliver }, [TopicPattern.TryParse("signet/+/command", out var pattern, out var why) ? pattern : throw new LabException(why)])]);
        bench.Apply(loose);
        await using var neighbour = await bench.ConnectAsync(bench.Who.NeighbourDevice, Neighbour, cancellationToken);
        var granted = await neighbour.SubscribeAsync($"signet/{Victim}/command");
        if (!granted[0].IsAccepted) throw new LabException("the loose policy is not loose");
        bench.Apply(AccessPolicy.Default);
        await using var center = await bench.CenterAsync(cancellationToken);
        await center.PublishAsync(new() { Topic = $"signet/{Victim}/command", Payload = "for the victim"u8.ToArray(), QoS = QoS.AtLeastOnce }, cancellationToken);
        try
        {
            return await neighbour.NextAsync(TimeProvider.System, cancellationToken, TimeSpan.FromMilliseconds(500)) is not null ? Strike.Succeeded("still hears the victim's commands") : Strike.Blocked("no message came");
        }
        catch (MqttException e)
        {
            // The broker ends the connection of who holds what it may no longer have, and says by which rule.
            return Strike.Blocked(e.Message.Contains("no-rule-allows", StringComparison.Ordinal) ? "no-rule-allows" : e.Message);
        }
    }

    private static async Task<Strike> StayAsync(BrokerBench bench, CancellationToken cancellationToken)
    {
        using var lost = bench.Who.Authority.Issue(new(CertificateProfile.Device, "door-staying"));
        await using var client = await bench.ConnectAsync(lost, lost.Name, cancellationToken);
        var cause = "";
        client.StateChanged += change => cause = change.Cause?.Message ?? cause;
        bench.Who.Authority.Revoke(lost.Serial, RevocationReason.KeyCompromise);
        if (!await Waiting.UntilAsync(() => !client.IsConnected, TimeProvider.System, cancellationToken, TimeSpan.FromMilliseconds(800))) return Strike.Succeeded("is still connected");
        return Strike.Blocked(cause.Contains("certificate-revoked", StringComparison.Ordinal) ? "certificate-revoked" : cause);
    }

    private static async Task<Strike> QueuedAfterRevocationAsync(BrokerBench bench, CancellationToken cancellationToken)
    {
        using var lost = bench.Who.Authority.Issue(new(CertificateProfile.Device, "door-away"));
        await using (await bench.VictimAsync(cancellationToken, lost, TimeSpan.FromMinutes(1))) { }
        await using var center = await bench.CenterAsync(cancellationToken);
        await center.PublishAsync(new() { Topic = $"signet/{lost.Name}/command", Payload = "queued"u8.ToArray(), QoS = QoS.AtLeastOnce }, cancellationToken);
        if (!await Waiting.UntilAsync(() => bench.Broker.Sessions().Any(s => s.ClientId == lost.Name && s.QueuedMessages == 1), TimeProvider.System, cancellationToken)) throw new LabException("nothing was queued for the device that is away");
        bench.Who.Authority.Revoke(lost.Serial, RevocationReason.KeyCompromise);
        return await Waiting.UntilAsync(() => bench.Broker.Sessions().All(s => s.ClientId != lost.Name), TimeProvider.System, cancellationToken, TimeSpan.FromMilliseconds(800))
            ? Strike.Blocked("its session and queue were purged")
            : Strike.Succeeded("its commands still wait for it");
    }

    private static async Task<Strike> OversizedAsync(BrokerBench bench, CancellationToken cancellationToken)
    {
        await using var peer = await RawPeer.OpenAsync(bench, bench.Who.NeighbourDevice, cancellationToken);
        await peer.SendAsync(RawPeer.Connect(Neighbour), cancellationToken);
        await peer.ReadAsync(cancellationToken);
        var topic = Encoding.ASCII.GetBytes($"signet/{Neighbour}/telemetry/door");
        try
        {
            await peer.SendAsync(RawPeer.Packet(0x30, [0, (byte)topic.Length, .. topic, 0, .. new byte[1 << 20]]), cancellationToken);
        }
        catch (IOException)
        {
            return Strike.Blocked("packet-too-large"); // closed while it was still sending
        }
        return await peer.IsClosedAsync(cancellationToken, TimeSpan.FromSeconds(1)) ? Strike.Blocked("packet-too-large") : Strike.Succeeded("the broker read it all");
    }

    private static async Task<Strike> MalformedAsync(BrokerBench bench, CancellationToken cancellationToken)
    {
        var attempts = 0;
        await using var witness = bench.Off("packet-reader") ? null : await bench.VictimAsync(cancellationToken);
        foreach (var (name, beforeConnect, bytes) in RawPeer.Malformed)
        {
            attempts++;
            await using var peer = await RawPeer.OpenAsync(bench, bench.Who.NeighbourDevice, cancellationToken);
            if (!beforeConnect)
            {
                await peer.SendAsync(RawPeer.Connect(Neighbour), cancellationToken);
                await peer.ReadAsync(cancellationToken);
            }
            await peer.SendAsync(bytes, cancellationToken);
            if (!await peer.IsClosedAsync(cancellationToken)) return Strike.Succeeded($"{name} left the connection open", attempts);
        }
        if (witness is not { IsConnected: true }) return Strike.Succeeded("another client lost its connection", attempts);
        return Strike.Blocked(bench.ProtocolErrors.Count >= attempts - 1 ? "closed, each as an error of the protocol" : $"closed, but only {bench.ProtocolErrors.Count} of {attempts} as errors of the protocol", attempts);
    }

    private static async Task<Strike> HoardAsync(BrokerBench bench, CancellationToken cancellationToken)
    {
        const int attempts = 40;
        var open = new List<MqttClient>();
        try
        {
            for (var i = 0; i < attempts; i++)
            {
                try
                {
                    open.Add(await bench.ConnectAsync(bench.Who.NeighbourDevice, $"{Neighbour}-{i}", cancellationToken));
                }
                catch (MqttException)
                {
                    await Waiting.UntilAsync(() => bench.Refusals.Count > 0, TimeProvider.System, cancellationToken); // the broker tells its observer a moment later
                    return Strike.Blocked(bench.Refusals.LastOrDefault() ?? "refused", i + 1);
                }
            }
            return Strike.Succeeded($"holds {open.Count} connections", attempts);
        }
        finally
        {
            foreach (var client in open) await client.DisposeAsync();
        }
    }

    private static async Task<Strike> FloodAsync(BrokerBench bench, CancellationToken cancellationToken)
    {
        const int attempts = 2_000;
        await using var neighbour = await bench.ConnectAsync(bench.Who.NeighbourDevice, Neighbour, cancellationToken);
        var before = bench.Broker.Counters.MessagesIn;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1), TimeProvider.System);
        var message = new MqttMessage { Topic = $"signet/{Neighbour}/telemetry/door", Payload = "flood"u8.ToArray() };
        try
        {
            for (var i = 0; i < attempts; i++) await neighbour.PublishAsync(message, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // held back
        }
        await Waiting.UntilAsync(() => bench.Broker.Counters.MessagesIn - before >= attempts, TimeProvider.System, cancellationToken, TimeSpan.FromMilliseconds(500));
        var taken = bench.Broker.Counters.MessagesIn - before;
        return taken >= attempts / 2 ? Strike.Succeeded($"the broker took {taken} messages in a second", attempts) : Strike.Blocked(bench.Refusals.LastOrDefault() ?? "held back", attempts);
    }

    private static Func<LabContext, CancellationToken, Task<Strike>> OpenAsync(Func<OpenHouse, CancellationToken, Task<Strike>> attack) =>
        async (lab, cancellationToken) => await attack(await lab.OpenHouseAsync(cancellationToken), cancellationToken);

    private static Attack Of(string name, string says, string control, string reason, string[] techniques, Func<BrokerBench, CancellationToken, Task<Strike>> secure) => new()
    {
        Name = name, Layer = AttackLayer.Broker, Says = says, Control = control, Reason = reason, Techniques = techniques,
        WhyNotOpen = "the open house has no identities or rules to get around",
        Secure = async (lab, without, cancellationToken) =>
        {
            await using var bench = lab.Broker(without);
            return await secure(bench, cancellationToken);
        },
    };

    private static Control Control(string name, string meaning, string[] requirements, string leftOut) => new(name, AttackLayer.Broker, meaning, requirements, leftOut);
}

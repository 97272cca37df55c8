using System.Net.Security;
using System.Security.Authentication;
using Signet.Agent;
using Signet.Audit;
using Signet.Pki;
using Signet.Testing;
using Signet.Wire;

namespace Signet.Control.Tests;

/// <summary>Whoever runs the broker can keep things from happening, and nothing else: nothing wrong is accepted, and what is kept back is noticed by the second heartbeat.</summary>
[Trait("database", "sqlite")]
public sealed class HostileBrokerSpecs
{
    private const string Device = "door-1";

    private sealed class Scene : IAsyncDisposable
    {
        public required TestHouse House { get; init; }
        public required HostileBroker Broker { get; init; }
        public int Runs;

        public static async Task<Scene> OpenAsync(Func<CenterOptions, CenterOptions>? change = null)
        {
            var house = await TestHouse.StartAsync(new() { Center = change ?? (o => o) });
            var pki = house.Center.Installation.PkiDirectory;
            var server = PemFile.ReadWithKey(Path.Combine(pki, "mqtt_broker.crt"), Path.Combine(pki, "mqtt_broker.key"));
            var home = house.Center.Installation.DeviceDirectory(Device);
            var own = PemFile.ReadWithKey(Path.Combine(home, Device + ".crt"), Path.Combine(home, Device + ".key"));
            var intermediate = house.Center.Authority.Intermediate;
            var broker = new HostileBroker(house.Center.MqttEndPoint, () => HostileBroker.Stolen(server, intermediate), () => new()
            {
                TargetHost = "localhost", EnabledSslProtocols = SslProtocols.Tls13, ClientCertificateContext = SslStreamCertificateContext.Create(own, [intermediate], offline: true), RemoteCertificateValidationCallback = (_, found, _, _) => found!.GetRawCertData().AsSpan().SequenceEqual(server.RawData),
            });
            house.Rewire(Device, broker.Port);
            var settings = Path.Combine(home, "device.json");
            await File.WriteAllTextAsync(settings, (await File.ReadAllTextAsync(settings)).Replace("\"version\": 1,", "\"version\": 1, \"heartbeatSeconds\": 1,", StringComparison.Ordinal));
            var scene = new Scene { House = house, Broker = broker };
            await house.StartDeviceAsync(Device, new CommandHandlers().Handle("open", ArgumentSchema.None, _ => { Interlocked.Increment(ref scene.Runs); return CommandOutcome.Done(); }).Handle("close", ArgumentSchema.None, _ => CommandOutcome.Done()));
            return scene;
        }

        public async Task<CommandView> SendAsync() => (await House.Center.Commands.SendAsync(new(Device, "open"), TestHouse.Operator)).Value;

        public Task<CommandView> BecomesAsync(string id, string state)
            => Eventually.Some(async () => await House.Center.Commands.FindAsync(id) is { } view && view.State == state ? view : null, $"{id} is {state}", TimeSpan.FromSeconds(30));

        /// <summary>The record of what is missing, and the word on the device's page.</summary>
        public async Task NoticedAsync(string what)
        {
            await Eventually.Some(async () => (await House.Center.Audit.QueryAsync(new() { Type = AuditTypes.Security, Action = "messages-missing", Subject = Device })).Entries.FirstOrDefault(e => e.Details["what"]!.GetValue<string>() == what),
                $"missing {what} are noticed", TimeSpan.FromSeconds(30));
            await Eventually.True(() => House.Center.Fleet.Find(Device)!.Trouble == "messages missing", "the page says so");
        }

        public async ValueTask DisposeAsync()
        {
            await Broker.DisposeAsync();
            await House.AssertAuditIntactAsync();
            await House.DisposeAsync();
        }
    }

    private static bool IsCommand(Carried one) => one.ToClient && one.Topic == Topics.Command(Device);

    private static bool IsReceipt(Carried one) => !one.ToClient && one.Topic == Topics.Receipt(Device);

    private static byte[] Edited(byte[] message)
    {
        var edited = message.ToArray();
        edited[^20] = edited[^20] == (byte)'A' ? (byte)'B' : (byte)'A';
        return edited;
    }

    [Fact]
    public async Task A_dropped_command_runs_nothing_and_is_noticed()
    {
        await using var scene = await Scene.OpenAsync(o => o with { ReceiptDeadline = TimeSpan.FromSeconds(4) });
        scene.Broker.Deed = one => IsCommand(one) ? [] : [one];

        var sent = await scene.SendAsync();

        await scene.NoticedAsync("commands");
        await scene.BecomesAsync(sent.Id, "unanswered"); // never more than its evidence: the broker said delivered
        scene.Runs.ShouldBe(0);
    }

    [Fact]
    public async Task A_dropped_receipt_claims_nothing_and_is_noticed()
    {
        await using var scene = await Scene.OpenAsync(o => o with { ReceiptDeadline = TimeSpan.FromSeconds(4) });
        scene.Broker.Deed = one => IsReceipt(one) ? [] : [one];

        var sent = await scene.SendAsync();

        await scene.NoticedAsync("receipts");
        await scene.BecomesAsync(sent.Id, "unanswered");
        scene.Runs.ShouldBe(1);
    }

    [Fact]
    public async Task Repeated_commands_run_once_and_repeated_receipts_count_once()
    {
        await using var scene = await Scene.OpenAsync();
        scene.Broker.Deed = one => IsCommand(one) || IsReceipt(one) ? [one, one, one] : [one];

        var sent = await scene.SendAsync();

        await scene.BecomesAsync(sent.Id, "executed");
        await scene.House.AuditedAsync(new() { Type = AuditTypes.Replay, Subject = Device });
        scene.Runs.ShouldBe(1);
        (await scene.House.Center.Audit.QueryAsync(new() { Action = "receipt", Outcome = "executed" })).Entries.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Reordered_commands_run_once_each_and_each_receipt_finds_its_command()
    {
        await using var scene = await Scene.OpenAsync();
        Carried? held = null;
        scene.Broker.Deed = one =>
        {
            if (!IsCommand(one)) return [one];
            if (held is null) { held = one; return []; }
            return [one, held];
        };

        var first = await scene.SendAsync();
        var second = await scene.SendAsync();

        await scene.BecomesAsync(second.Id, "executed");
        await scene.BecomesAsync(first.Id, "executed");
        scene.Runs.ShouldBe(2);
    }

    [Fact]
    public async Task An_edited_command_is_refused_and_an_edited_receipt_changes_nothing()
    {
        await using var scene = await Scene.OpenAsync(o => o with { ReceiptDeadline = TimeSpan.FromSeconds(4) });
        scene.Broker.Deed = one => IsCommand(one) ? [one with { Payload = Edited(one.Payload) }] : [one];
        var sent = await scene.SendAsync();
        (await scene.House.AuditedAsync(new() { Type = AuditTypes.Security, Action = "foreign-message-at-device" })).Reason.ShouldBe("bad-signature");
        scene.Runs.ShouldBe(0);
        (await scene.BecomesAsync(sent.Id, "unanswered")).Receipt.ShouldBeNull();

        scene.Broker.Deed = one => IsReceipt(one) ? [one with { Payload = Edited(one.Payload) }] : [one];
        var other = await scene.SendAsync();
        (await scene.House.AuditedAsync(new() { Type = AuditTypes.Security, Action = "receipt-refused" })).Reason.ShouldBe("bad-signature");
        await scene.BecomesAsync(other.Id, "unanswered");
    }

    [Fact]
    public async Task A_command_of_another_device_and_a_receipt_on_another_devices_topic_are_refused()
    {
        await using var scene = await Scene.OpenAsync();
        await using var other = await HandDevice.StartAsync(scene.House, "valve-1");
        await Eventually.True(() => scene.House.PresenceOf("valve-1") == PresenceState.Online, "valve-1 is online");
        (await scene.House.Center.Commands.SendAsync(new("valve-1", "open"), TestHouse.Operator)).Refusal.ShouldBeNull();
        var (foreign, _) = await other.NextAsync();

        await scene.Broker.InjectAsync(Device, Topics.Command(Device), foreign);
        (await scene.House.AuditedAsync(new() { Actor = Device, Reason = "wrong-audience" })).Action.ShouldBe("foreign-message-at-device");
        scene.Runs.ShouldBe(0);

        // The broker publishes a good receipt of one device as another's: no policy stands in its way, the signature does.
        var heard = new TaskCompletionSource<byte[]>();
        scene.Broker.Deed = one =>
        {
            if (!IsReceipt(one)) return [one];
            heard.TrySetResult(one.Payload);
            return [];
        };
        var sent = await scene.SendAsync();
        var receipt = await heard.Task.WaitAsync(TimeSpan.FromSeconds(60));
        await scene.House.Center.MqttBroker!.PublishAsync(new() { Topic = Topics.Receipt("valve-1"), Payload = receipt, QoS = Mqtt.QoS.AtLeastOnce });
        var refused = await scene.House.AuditedAsync(new() { Type = AuditTypes.Security, Action = "receipt-refused", Actor = "valve-1" });
        refused.Reason.ShouldBe("wrong-topic");
        (await scene.House.Center.Commands.FindAsync(sent.Id))!.Receipt.ShouldBeNull();
    }

    [Fact]
    public async Task A_command_kept_back_until_it_is_too_old_runs_nothing()
    {
        await using var scene = await Scene.OpenAsync(o => o with { CommandLifetime = TimeSpan.FromSeconds(2), ReceiptDeadline = TimeSpan.FromSeconds(4) });
        byte[]? held = null;
        scene.Broker.Deed = one =>
        {
            if (!IsCommand(one)) return [one];
            held = one.Payload;
            return [];
        };
        var sent = await scene.SendAsync();
        await scene.BecomesAsync(sent.Id, "unanswered");

        await scene.Broker.InjectAsync(Device, Topics.Command(Device), held!);

        var after = await scene.BecomesAsync(sent.Id, "rejected");
        after.Reason.ShouldBe("expired");
        scene.Runs.ShouldBe(0);
    }

    [Fact]
    public async Task A_broker_that_swallows_everything_is_noticed_as_silence()
    {
        await using var scene = await Scene.OpenAsync();
        var heard = new TaskCompletionSource();
        scene.Broker.Deed = one =>
        {
            if (one.Topic == Topics.Telemetry(Device, HeartbeatClaims.Reading)) heard.TrySetResult();
            return [one];
        };
        await heard.Task.WaitAsync(TimeSpan.FromSeconds(60));

        scene.Broker.Deed = _ => [];

        (await scene.House.AuditedAsync(new() { Type = AuditTypes.Security, Action = "device-silent" })).Subject.ShouldBe(Device);
    }
}

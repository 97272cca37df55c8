using Signet.Mqtt;
using Signet.Mqtt.Client;
using Signet.Proof;
using Signet.Testing;
using Signet.Wire;

namespace Signet.Control.Tests;

/// <summary>The center's answers to "I have seen N entries, prove the newest checkpoint to me".</summary>
public sealed class ProofAnswerSpecs
{
    [Fact]
    [Trait("row", "S0-26")]
    public async Task All_who_ask_from_one_checkpoint_get_its_proof_and_who_asks_from_another_size_gets_that_ones()
    {
        await using var house = await TestHouse.StartAsync(new() { Center = o => o with { CheckpointInterval = TimeSpan.FromMinutes(10) } });
        var (odd, common) = (await SignAsync(house), await SignAsync(house));
        await using var one = await AskerAsync(house, "door-1");
        await using var two = await AskerAsync(house, "thermostat-1");
        await using var three = await AskerAsync(house, "valve-1");
        await SignAsync(house);

        await ShouldProveAsync(house, await Task.WhenAll(AskAsync(one, common), AskAsync(two, common), AskAsync(three, odd)), common, common, odd);
        // A newer checkpoint: the proofs of before it are of no use.
        await SignAsync(house);
        await ShouldProveAsync(house, await Task.WhenAll(AskAsync(one, odd), AskAsync(two, common), AskAsync(three, common)), odd, common, common);
    }

    private static async Task ShouldProveAsync(TestHouse house, WitnessMessage.Shown[] shown, params Checkpoint[] from)
    {
        var newest = await house.Center.Audit.CheckpointAsync(TestContext.Current.CancellationToken);
        foreach (var (answer, known) in shown.Zip(from))
        {
            Checkpoint.TryParse(answer.Note, out var note, out _).ShouldBeTrue();
            note!.Size.ShouldBeLessThanOrEqualTo(newest.Size);
            note.Size.ShouldBeGreaterThan(known.Size);
            (answer.From, MerkleTree.VerifyConsistency(known.Size, known.Root, note.Size, note.Root, answer.Path)).ShouldBe((known.Size, true));
        }
    }

    private static async Task<Asker> AskerAsync(TestHouse house, string name)
    {
        var client = await house.ConnectAsync(name, name);
        await client.SubscribeAsync(Topics.Checkpoint(name));
        return new(name, client, client.ReadMessagesAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken));
    }

    // Asked again after a while, as a device does: the answer comes at most once, and not within a moment of the last one.
    private static async Task<WitnessMessage.Shown> AskAsync(Asker asker, Checkpoint from)
    {
        using var limit = new CancellationTokenSource(Eventually.Patience);
        while (true)
        {
            limit.IsCancellationRequested.ShouldBeFalse($"{asker.Name} got no answer about {from.Size}");
            await asker.Client.PublishAsync(new() { Topic = Topics.Witness(asker.Name), Payload = new WitnessMessage.Ask(from.Size).ToBytes(), QoS = QoS.AtLeastOnce });
            using var soon = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
            soon.CancelAfter(TimeSpan.FromSeconds(4));
            if (await asker.ShownAsync(from.Size, soon.Token) is { } shown) return shown;
        }
    }

    private static async Task<Checkpoint> SignAsync(TestHouse house)
    {
        (await house.Center.Commands.SendAsync(new("nobody", "open"), TestHouse.Operator)).Refusal.ShouldNotBeNull();
        return await house.Center.Audit.CheckpointAsync(TestContext.Current.CancellationToken);
    }

    private sealed record Asker(string Name, MqttClient Client, IAsyncEnumerator<MqttMessage> Messages) : IAsyncDisposable
    {
        private Task<bool>? _next;

        /// <returns>Null: none came in time.</returns>
        public async Task<WitnessMessage.Shown?> ShownAsync(long from, CancellationToken soon)
        {
            while (true)
            {
                _next ??= Messages.MoveNextAsync().AsTask();
                await Task.WhenAny(_next, Task.Delay(Timeout.Infinite, soon));
                if (!_next.IsCompleted) return null;
                (await _next).ShouldBeTrue();
                _next = null;
                if (WitnessMessage.TryRead(Messages.Current.Payload.Span, out var message) && message is WitnessMessage.Shown shown && shown.From == from) return shown;
            }
        }

        public async ValueTask DisposeAsync() => await Client.DisposeAsync();
    }
}

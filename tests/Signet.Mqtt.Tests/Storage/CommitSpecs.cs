using System.Text;
using Signet.Mqtt.Broker.Storage;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Storage;

/// <summary>What happens before a commit, what only after it, and what of a batch is written at all.</summary>
public sealed class CommitSpecs : IDisposable
{
    private const string Lasting = "10 13 'MQTT' 05 00 00 3C 05 11 00000100 'r'";
    private readonly string directory = Directory.CreateTempSubdirectory("mqtt-commit").FullName;

    public void Dispose() => Directory.Delete(directory, true);

    [Fact]
    public async Task A_qos_1_message_is_handed_over_before_its_commit_and_acknowledged_after_it()
    {
        var store = new HeldStore();
        await using var house = await TestBroker.StartAsync(store: store);
        using var reader = await RawClient.OpenAsync(house.Port, Lasting);
        await reader.SendAsync("82 07 0001 00 't' 01");
        await reader.ExpectAsync("90 04 0001 00 01");
        using var writer = await RawClient.OpenAsync(house.Port, RawClient.Connect5.Replace("'r'", "'w'", StringComparison.Ordinal));
        using var held = store.Hold();
        await writer.SendAsync("32 07 't' 0005 00 41");
        await reader.ExpectAsync("32 07 't' 0001 00 41");
        await reader.SendAsync("40 02 0001");
        var answer = writer.ReadAsync();
        await Task.Delay(100, TestContext.Current.CancellationToken);
        answer.IsCompleted.ShouldBeFalse("PUBACK came before the commit");
        held.Dispose();
        (await answer).ShouldBe("40020005");
    }

    [Fact]
    public async Task A_qos_2_message_is_handed_over_only_after_its_commit()
    {
        var store = new HeldStore();
        await using var house = await TestBroker.StartAsync(store: store);
        using var reader = await RawClient.OpenAsync(house.Port, Lasting);
        await reader.SendAsync("82 07 0001 00 't' 02");
        await reader.ExpectAsync("90 04 0001 00 02");
        using var writer = await RawClient.OpenAsync(house.Port, RawClient.Connect5.Replace("'r'", "'w'", StringComparison.Ordinal));
        using var held = store.Hold();
        await writer.SendAsync("34 07 't' 0005 00 41");
        var message = reader.ReadAsync();
        await Task.Delay(100, TestContext.Current.CancellationToken);
        message.IsCompleted.ShouldBeFalse("a broker that died now would send it under another identifier");
        held.Dispose();
        (await message).ShouldBe(Convert.ToHexString(RawClient.Bytes("34 07 't' 0001 00 41")));
        (await writer.ReadAsync()).ShouldBe("50020005");
    }

    [Fact]
    public async Task What_comes_after_a_qos_2_message_does_not_overtake_it_while_it_waits_for_its_commit()
    {
        var store = new HeldStore();
        await using var house = await TestBroker.StartAsync(store: store);
        using var reader = await RawClient.OpenAsync(house.Port, Lasting);
        await reader.SendAsync("82 07 0001 00 't' 02");
        await reader.ExpectAsync("90 04 0001 00 02");
        List<Task> published;
        using (store.Hold())
        {
            // Handed over when the call returns; only the commit is still to come.
            published = [.. new[] { 2, 0, 2, 1, 0, 2 }.Select((qos, i) => house.Broker.PublishAsync(new() { Topic = "t", Payload = new[] { (byte)('A' + i) }, QoS = (QoS)qos }).AsTask())];
        }

        await reader.ExpectAsync("34 07 't' 0001 00 41", "30 05 't' 00 42", "34 07 't' 0002 00 43", "32 07 't' 0003 00 44", "30 05 't' 00 45", "34 07 't' 0004 00 46");
        await Task.WhenAll(published);
    }

    [Fact]
    public void What_was_acknowledged_within_its_batch_leaves_nothing_to_write()
    {
        List<StoreChange> changes = [Saved(1), Queued(7, 1, 1), Sent(7, 1, 9), new StoreChange.Unqueued(7, 1), new StoreChange.MessageDropped(1)];
        new BatchCondenser().Condense(changes);
        changes.ShouldBeEmpty();
    }

    [Fact]
    public void What_somebody_still_waits_for_is_written_with_its_identifier_in_one_row()
    {
        List<StoreChange> changes = [Saved(1), Queued(7, 1, 1), Queued(8, 1, 1), Sent(7, 1, 9), Sent(8, 1, 3), new StoreChange.Unqueued(7, 1)];
        new BatchCondenser().Condense(changes);
        changes.Count.ShouldBe(2);
        changes[0].ShouldBeOfType<StoreChange.MessageSaved>();
        changes[1].ShouldBeOfType<StoreChange.Queued>().ShouldSatisfyAllConditions(q => (q.Session, q.PacketId, q.Released).ShouldBe((8, (ushort)3, false)));
    }

    [Fact]
    public async Task Random_changes_leave_the_same_whether_written_one_by_one_or_in_batches()
    {
        for (var seed = 1; seed <= 20; seed++)
        {
            var changes = RandomChanges(new Random(seed), 400);
            var single = await WriteAsync($"single-{seed}", changes, _ => 1);
            var cuts = new Random(seed);
            var batches = await WriteAsync($"batches-{seed}", changes, _ => cuts.Next(1, 60));
            batches.ShouldBe(single, $"seed {seed}");
            single.ShouldContain("queue");
        }
    }

    private static StoreChange.MessageSaved Saved(long id) => new(new StoredMessage(id, $"t/{id}", new byte[] { (byte)id }, ReadOnlyMemory<byte>.Empty, QoS.AtLeastOnce, null));

    private static StoreChange.Queued Queued(long session, long order, long message) => new(session, order, message, QoS.AtLeastOnce, false, null);

    private static StoreChange.Sent Sent(long session, long order, ushort id, bool released = false) => new(session, order, id, released);

    /// <summary>A history as the broker makes it: a message is saved before it is queued and dropped after its last entry is gone; one that a retained value keeps may come again.</summary>
    private static List<StoreChange> RandomChanges(Random random, int count)
    {
        var changes = new List<StoreChange>();
        var sessions = new List<long>();
        var queues = new List<(long Session, long Order, long Message)>();
        var lastSession = 0L;
        var order = 0L;
        void Forget(long message)
        {
            if (queues.TrueForAll(q => q.Message != message)) changes.Add(new StoreChange.MessageDropped(message));
        }

        while (changes.Count < count)
        {
            switch (random.Next(10))
            {
                case 0:
                    sessions.Add(++lastSession);
                    changes.Add(new StoreChange.SessionSaved(lastSession, "who", $"c{lastSession}", MqttVersion.V5, TimeSpan.FromHours(1), null));
                    break;
                case 1 when sessions.Count > 2:
                    var gone = sessions[random.Next(sessions.Count)];
                    sessions.Remove(gone);
                    changes.Add(new StoreChange.SessionRemoved(gone));
                    foreach (var entry in queues.Where(q => q.Session == gone).ToList())
                    {
                        queues.Remove(entry);
                        Forget(entry.Message);
                    }

                    break;
                case < 6 when sessions.Count > 0:
                    var message = random.Next(1, 30);
                    if (queues.TrueForAll(q => q.Message != message)) changes.Add(Saved(message));
                    foreach (var to in sessions.Where(_ => random.Next(2) == 0).DefaultIfEmpty(sessions[0]))
                    {
                        queues.Add((to, ++order, message));
                        changes.Add(Queued(to, order, message));
                    }

                    break;
                case 6 when queues.Count > 0:
                    var sent = queues[random.Next(queues.Count)];
                    changes.Add(Sent(sent.Session, sent.Order, (ushort)random.Next(1, 100), random.Next(2) == 0));
                    break;
                case > 6 when queues.Count > 0:
                    var done = queues[random.Next(queues.Count)];
                    queues.Remove(done);
                    changes.Add(new StoreChange.Unqueued(done.Session, done.Order));
                    Forget(done.Message);
                    break;
            }
        }

        return changes;
    }

    /// <summary>What a store holds after these changes, as text.</summary>
    private async Task<string> WriteAsync(string name, List<StoreChange> changes, Func<int, int> size)
    {
        await using var store = SqliteSessionStore.Open(Path.Combine(directory, name + ".db"));
        for (var at = 0; at < changes.Count;)
        {
            store.BeginGroup();
            for (var left = size(at); left > 0 && at < changes.Count; left--) store.Append(changes[at++]);
            store.EndGroup();
            await store.CommitAsync();
        }

        var state = await store.LoadAsync(TestContext.Current.CancellationToken);
        var text = new StringBuilder();
        foreach (var s in state.Sessions.OrderBy(s => s.Session.Session))
        {
            text.AppendLine($"session {s.Session.Session}");
            foreach (var q in s.Queue) text.AppendLine($"  queue {q.Entry.Order} {q.Entry.Message} {q.PacketId} {q.Released}");
        }

        foreach (var m in state.Messages.OrderBy(m => m.Id)) text.AppendLine($"message {m.Id} {m.Topic}");
        return text.ToString();
    }

    /// <summary>A durable store whose commits end when the test says so.</summary>
    private sealed class HeldStore : ISessionStore
    {
        private TaskCompletionSource commit = Done();

        public bool IsDurable => true;

        /// <summary>Until it is disposed of.</summary>
        public IDisposable Hold() => new Held(commit = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

        public Task<StoredState> LoadAsync(CancellationToken cancellationToken) => Task.FromResult(StoredState.Empty);

        public void BeginGroup()
        {
        }

        public void EndGroup()
        {
        }

        public void Append(StoreChange change)
        {
        }

        public ValueTask CommitAsync() => new(commit.Task);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private static TaskCompletionSource Done()
        {
            var done = new TaskCompletionSource();
            done.SetResult();
            return done;
        }

        private sealed class Held(TaskCompletionSource commit) : IDisposable
        {
            public void Dispose() => commit.TrySetResult();
        }
    }
}

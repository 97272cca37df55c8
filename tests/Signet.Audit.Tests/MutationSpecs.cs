using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Signet.Proof;

namespace Signet.Audit.Tests;

/// <summary>
/// A log of 1,000 entries with nine checkpoints and an open end of 63 entries; every single change of its stored bytes must be found and rightly named.
/// Runs twice: as the center verifies itself (present HMAC key) and as the holder of the first key does.
/// </summary>
[Trait(Signet.Testing.TestDatabase.Trait, Signet.Testing.TestDatabase.SqliteOnly)]   // works on bytes in memory: one round is enough
public sealed class MutationSpecs : IAsyncLifetime
{
    private const int Size = 1_000, Sealed = 937;
    // The ends, both sides of a checkpoint, of a stored tree node and of the open part.
    private static readonly int[] Chosen = [1, 2, 99, 100, 101, 256, 257, 500, 936, 937, 938, 999, 1000];
    private readonly AuditHome _home = new();
    private StoredBytes _log = null!;

    public async ValueTask InitializeAsync()
    {
        var log = await _home.OpenAsync();
        for (var i = 2; i <= Size; i++)
        {
            _home.Clock.Advance(TimeSpan.FromMilliseconds(7));
            await log.AppendAsync(AuditHome.Record(i));
            if (i is Sealed || (i % 100 == 0 && i < 900)) await log.CheckpointAsync();
        }
        await AuditHome.CrashAsync(log);
    }

    public ValueTask DisposeAsync()
    {
        _home.Dispose();
        return ValueTask.CompletedTask;
    }

    private void Load(bool withFirstKey)
    {
        _log = StoredBytes.Read(_home, withFirstKey);
        _log.Entries.Count.ShouldBe(Size);
        _log.Checkpoints.Count.ShouldBe(9);
        _log.Verify().ShouldBeNull();
    }

    private void Expect(string what, Action<StoredBytes> change, FaultKind kind, long entry) => Expect(what, change, fault => fault.Kind == kind && fault.First == entry, $"{kind} {entry}");

    private void Expect(string what, Action<StoredBytes> change, Func<Fault, bool> isRight, string wanted)
    {
        var copy = _log.Copy();
        change(copy);
        var fault = copy.Verify();
        fault.ShouldNotBeNull(what + ": not found");
        isRight(fault).ShouldBeTrue($"{what}: wanted {wanted}, found {fault}");
    }

    private static byte[] Flip(byte[] bytes, int bit)
    {
        var copy = (byte[])bytes.Clone();
        copy[bit / 8] ^= (byte)(1 << bit % 8);
        return copy;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("row", "S0-26")]
    public void Every_flipped_bit_of_an_entry_is_found_and_the_entry_named(bool withFirstKey)
    {
        Load(withFirstKey);
        var failures = new ConcurrentQueue<string>();
        var tried = 0;
        var random = new Random(6);
        var flips = new List<(int Entry, int Column, int Bit)>();
        foreach (var n in Chosen)
        {
            var (_, body, prev, mac) = _log.Entries[n - 1];
            foreach (var (column, bytes) in new[] { (0, body), (1, prev), (2, mac) })
                for (var bit = 0; bit < bytes.Length * 8; bit++)
                    if (n == (withFirstKey ? 100 : 999) || random.Next(24) == 0)   // every bit of one entry, samples of the others
                        flips.Add((n, column, bit));
        }
        Parallel.ForEach(flips, flip =>
        {
            var copy = _log.Copy();
            var e = copy.Entries[flip.Entry - 1];
            copy.Entries[flip.Entry - 1] = flip.Column switch
            {
                0 => e with { Body = Flip(e.Body, flip.Bit) },
                1 => e with { Prev = Flip(e.Prev, flip.Bit) },
                _ => e with { Mac = Flip(e.Mac, flip.Bit) },
            };
            var fault = copy.Verify();
            Interlocked.Increment(ref tried);
            if (fault is not { Kind: FaultKind.Edited } || fault.First != flip.Entry || fault.Last != flip.Entry) failures.Enqueue($"{flip}: {fault?.ToString() ?? "not found"}");
        });
        failures.ShouldBeEmpty(string.Join("\n", failures.Take(10)));
        tried.ShouldBeGreaterThan(3_000);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Deleted_entries_are_named(bool withFirstKey)
    {
        Load(withFirstKey);
        foreach (var n in Chosen.Where(n => n < Size))
        {
            Expect($"delete {n}", l => l.Entries.RemoveAt(n - 1), FaultKind.Deleted, n);
            Expect($"delete {n} and move the others up", l =>
            {
                l.Entries.RemoveAt(n - 1);
                for (var i = n - 1; i < l.Entries.Count; i++) l.Entries[i] = l.Entries[i] with { Number = i + 1 };
            }, FaultKind.Deleted, n);
        }
        Expect("delete a range", l => l.Entries.RemoveRange(299, 200), fault => fault is { Kind: FaultKind.Deleted, First: 300, Last: 499 }, "Deleted 300-499");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_cut_off_tail_is_named(bool withFirstKey)
    {
        Load(withFirstKey);
        foreach (var kept in new[] { 0, 1, 50, 100, 500, 936, 937, 938, 999 })
            Expect($"keep {kept}", l => l.Entries.RemoveRange(kept, Size - kept), fault => fault.Kind == FaultKind.Truncated && fault.First == kept + 1, $"Truncated {kept + 1}");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Swapped_and_moved_entries_are_named(bool withFirstKey)
    {
        Load(withFirstKey);
        foreach (var (a, b) in new[] { (1, 2), (99, 100), (100, 101), (300, 301), (10, 900), (937, 938), (940, 999), (999, 1000), (1, 1000) })
        {
            Expect($"swap rows {a} and {b}", l => (l.Entries[a - 1], l.Entries[b - 1]) = (l.Entries[b - 1] with { Number = a }, l.Entries[a - 1] with { Number = b }), FaultKind.Reordered, a);
            Expect($"move {a} behind the end", l => l.Entries[a - 1] = l.Entries[a - 1] with { Number = 5_000 }, FaultKind.Reordered, a);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Copies_of_entries_are_named(bool withFirstKey)
    {
        Load(withFirstKey);
        foreach (var (copied, place) in new[] { (1, 2), (2, 1), (500, 501), (501, 500), (100, 700), (700, 100), (938, 1000), (1000, 938) })
            Expect($"copy of {copied} in place of {place}", l => l.Entries[place - 1] = l.Entries[copied - 1] with { Number = place }, FaultKind.Duplicated, place);
        foreach (var n in new[] { 1, 100, 500, 937, 999 })
            Expect($"second {n}, others pushed back", l => Insert(l, n + 1, l.Entries[n - 1]), FaultKind.Duplicated, n + 1);
        Expect("copy behind the end", l => l.Entries.Add(l.Entries[499] with { Number = Size + 1 }), FaultKind.Duplicated, Size + 1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Forged_entries_are_named(bool withFirstKey)
    {
        Load(withFirstKey);
        foreach (var n in new[] { 2, 100, 101, 500, 937, 938, 960, 999 })
            Expect($"forged {n}, others pushed back", l => Insert(l, n, Forge(l, n)), FaultKind.Inserted, n);
        Expect("forged at the end", l => l.Entries.Add(Forge(l, Size + 1)), FaultKind.Inserted, Size + 1);
        foreach (var n in new[] { 500, 960 })
            Expect($"forged in place of {n}", l => l.Entries[n - 1] = Forge(l, n), FaultKind.Edited, n);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_flipped_bit_of_a_checkpoint_is_found(bool withFirstKey)
    {
        Load(withFirstKey);
        var failures = new ConcurrentQueue<string>();
        foreach (var n in new[] { 0, 4, 8 })
            Parallel.For(0, _log.Checkpoints[n].Note.Length * 8, bit =>
            {
                if ((n != 4 || withFirstKey) && bit % 13 != 0) return;   // every bit of one, samples of the others
                var copy = _log.Copy();
                copy.Checkpoints[n] = copy.Checkpoints[n] with { Note = Flip(copy.Checkpoints[n].Note, bit) };
                // A flipped bit in the name on the signature line makes it somebody else's signature: that, too, is an altered checkpoint or another key.
                if (copy.Verify() is not { Kind: FaultKind.CheckpointEdited or FaultKind.WrongKey }) failures.Enqueue($"checkpoint {n + 1} bit {bit}: {copy.Verify()?.ToString() ?? "not found"}");
            });
        failures.ShouldBeEmpty(string.Join("\n", failures.Take(10)));
        foreach (var n in new[] { 0, 4 }) Expect($"checkpoint {n + 1} deleted", l => l.Checkpoints.RemoveAt(n), fault => fault.Kind == FaultKind.CheckpointEdited, "CheckpointEdited");
        Expect("the last checkpoint deleted", l => l.Checkpoints.RemoveAt(8), fault => fault.Kind is FaultKind.RolledBack or FaultKind.HeadEdited or FaultKind.Edited, "RolledBack");
        Expect("checkpoint renumbered", l => l.Checkpoints[8] = l.Checkpoints[8] with { Number = 12 }, fault => fault.Kind == FaultKind.CheckpointEdited, "CheckpointEdited");
    }

    [Fact]
    public void Every_flipped_bit_of_the_head_and_of_the_tree_is_found()
    {
        Load(withFirstKey: false);
        for (var bit = 0; bit < 256; bit++)
        {
            Expect($"head link bit {bit}", l => l.Head = l.Head with { Link = Flip(l.Head.Link, bit) }, FaultKind.HeadEdited, Size);
            Expect($"head mac bit {bit}", l => l.Head = l.Head with { Mac = Flip(l.Head.Mac, bit) }, FaultKind.HeadEdited, Size);
            Expect($"node bit {bit}", l => l.Nodes[(8, 1)] = Flip(l.Nodes[(8, 1)], bit), fault => fault is { Kind: FaultKind.TreeEdited, First: 257, Last: 512 }, "TreeEdited 257-512");
        }
        foreach (var size in new long[] { 0, 1, 937, 999, 1001, 1 << 40 })
            Expect($"head size {size}", l => l.Head = l.Head with { Size = size }, FaultKind.HeadEdited, Size);
        Expect("node deleted", l => l.Nodes.Remove((8, 2)), fault => fault.Kind == FaultKind.TreeEdited, "TreeEdited");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Another_key_is_named(bool withFirstKey)
    {
        Load(withFirstKey);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var otherPublic = CheckpointKey.Of(other);
        Expect("the trust file exchanged", l => l.Trust = otherPublic.ToPem(), fault => fault.Kind == FaultKind.WrongKey, "WrongKey");
        Expect("every checkpoint signed again", l =>
        {
            l.Newest = null;
            var before = Digest.Zero;
            for (var i = 0; i < l.Checkpoints.Count; i++)
            {
                Checkpoint.TryParse(Encoding.UTF8.GetString(l.Checkpoints[i].Note), out var c, out _).ShouldBeTrue();
                var signed = Checkpoint.Sign(c!.Origin, c.Size, c.Root, c.Number, c.Time, c.Prev, c.Link, before, other);
                before = signed.TextHash;
                l.Checkpoints[i] = l.Checkpoints[i] with { Note = Encoding.UTF8.GetBytes(signed.Note) };
            }
        }, FaultKind.WrongKey, 1);
    }

    [Fact]
    public void A_database_rolled_back_as_a_whole_is_named()
    {
        Load(withFirstKey: false);
        // What the log was at its eighth checkpoint: entries, checkpoints and head fit each other.
        Expect("rolled back to checkpoint 8", l =>
        {
            l.Entries.RemoveRange(800, 200);
            l.Checkpoints.RemoveAt(8);
            foreach (var key in l.Nodes.Keys.Where(k => (k.Item2 + 1) << k.Item1 > 800).ToList()) l.Nodes.Remove(key);
            l.Head = (800, Chain.Link(MerkleTree.LeafHash(l.Entries[^1].Body), Digest.From(l.Entries[^1].Mac)).ToArray(), new byte[32]);
        }, fault => fault is { Kind: FaultKind.RolledBack, First: 801, Last: 937 }, "RolledBack 801-937");
    }

    [Fact]
    public void Time_that_goes_back_unsaid_is_named_only_when_it_was_written_so()
    {
        Load(withFirstKey: true);
        Expect("a time edited backwards", l => l.Entries[499] = l.Entries[499] with { Body = Replace(l.Entries[499].Body, "\"time\":\"2026", "\"time\":\"2025") }, FaultKind.Edited, 500);
        Expect("a time edited forwards", l => l.Entries[499] = l.Entries[499] with { Body = Replace(l.Entries[499].Body, "\"time\":\"2026", "\"time\":\"2027") }, FaultKind.Edited, 500);
    }

    [Fact]
    public void A_clock_that_was_set_back_without_a_word_is_named_when_the_log_itself_was_written_so()
    {
        Load(withFirstKey: true);
        // Only whoever has every key can write it: chain, HMACs, tree and signatures are all as they must be.
        Expect("written a year back", l => Rewrite(l, (n, body) => n == 500 ? Replace(body, "\"time\":\"2026", "\"time\":\"2025") : body), FaultKind.ClockRollback, 500);
        Expect("nothing changed, everything signed anew", l =>
        {
            Rewrite(l, (_, body) => body);
            l.Verify().ShouldBeNull();
            l.Entries.RemoveAt(Size - 1);
        }, FaultKind.Truncated, Size);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_segment_of_another_log_is_named(bool withFirstKey)
    {
        Load(withFirstKey);
        using var other = new AuditHome();
        await other.FillAsync(600, clean: false);
        var strange = StoredBytes.Read(other, withFirstKey: true);
        Expect("entries 401 to 500 of another log", l => { for (var i = 400; i < 500; i++) l.Entries[i] = strange.Entries[i]; }, FaultKind.MixedLogs, 401);
        Expect("the first segment of another log", l => { for (var i = 0; i < 100; i++) l.Entries[i] = strange.Entries[i]; }, FaultKind.MixedLogs, 1);
        Expect("another log's checkpoint", l => l.Checkpoints[4] = strange.Checkpoints[4], fault => fault.Kind is FaultKind.WrongKey && fault.First == 401, "WrongKey 401");
    }

    // What the log would hold had its writer written these bodies: with its keys.
    private void Rewrite(StoredBytes log, Func<int, byte[], byte[]> change)
    {
        using var signer = ECDsa.Create();
        signer.ImportFromPem(File.ReadAllText(Path.Combine(_home.Folder, "checkpoint.key")));
        using var key = new ForwardKey(log.FirstKey!, 0);
        var tree = new MerkleFrontier();
        var (prev, before, at) = (Chain.Start(log.Origin), Digest.Zero, 0);
        for (var n = 1; n <= log.Entries.Count; n++)
        {
            var text = Encoding.UTF8.GetString(change(n, log.Entries[n - 1].Body));
            var place = text.IndexOf("\"prev\":\"", StringComparison.Ordinal) + 8;
            var body = Encoding.UTF8.GetBytes(text[..place] + System.Buffers.Text.Base64Url.EncodeToString(prev) + text[(place + Digest.Base64UrlLength)..]);
            var (leaf, mac, old) = (MerkleTree.LeafHash(body), key.Mac(body), prev);
            log.Entries[n - 1] = (n, body, prev.ToArray(), mac.ToArray());
            tree.Append(leaf, (level, index, hash) => { if (level % 8 == 0) log.Nodes[(level, index)] = hash.ToArray(); });
            prev = Chain.Link(leaf, mac);
            if (at == log.Checkpoints.Count || !Checkpoint.TryParse(Encoding.UTF8.GetString(log.Checkpoints[at].Note), out var was, out _) || was.Size != n) continue;
            var signed = Checkpoint.Sign(was.Origin, n, tree.Root(), was.Number, was.Time, old, prev, before, signer);
            log.Checkpoints[at++] = (was.Number, Encoding.UTF8.GetBytes(signed.Note));
            (before, log.Newest) = (signed.TextHash, signed.Note);
            key.Advance();
        }
        log.Head = (log.Entries.Count, prev.ToArray(), key.MacOfHead(log.Entries.Count, prev).ToArray());
    }

    private static byte[] Replace(byte[] body, string from, string to)
    {
        var text = Encoding.UTF8.GetString(body);
        text.ShouldContain(from);
        return Encoding.UTF8.GetBytes(text.Replace(from, to, StringComparison.Ordinal));
    }

    private static void Insert(StoredBytes log, int place, (long Number, byte[] Body, byte[] Prev, byte[] Mac) row)
    {
        for (var i = place - 1; i < log.Entries.Count; i++) log.Entries[i] = log.Entries[i] with { Number = i + 2 };
        log.Entries.Insert(place - 1, row with { Number = place });
    }

    // The best somebody without the key can do: right number, right chain, no HMAC.
    private static (long, byte[], byte[], byte[]) Forge(StoredBytes log, int number)
    {
        var before = log.Entries[number - 2];
        var prev = Chain.Link(MerkleTree.LeafHash(before.Body), Digest.From(before.Mac));
        var draft = EntryDraft.Create("command", "operator-1", "device-1", "command-sent", "success", "", null, null);
        var body = new byte[draft.MaximumLength];
        EntryView.TryRead(before.Body, out var view).ShouldBeTrue();
        var length = draft.Write(body, prev, number, new DateTimeOffset(view.Time));
        return (number, body[..length], prev.ToArray(), RandomNumberGenerator.GetBytes(32));
    }
}

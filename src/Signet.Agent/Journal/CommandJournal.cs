using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Signet.Wire;

namespace Signet.Agent;

/// <summary>A command whose beginning is on disk and whose end is not; <c>Message</c> is what was signed, <c>Digest</c> that of the bytes received (envelope included), <c>At</c> when it passed the checks.</summary>
internal sealed record UnfinishedCommand(string Id, ReadOnlyMemory<byte> Message, string Digest, DateTimeOffset At);

/// <summary>
/// What a device must not forget: the epoch it sends in, which commands it has taken, which of them it began and did not end, and which receipts the center may
/// not have yet. Written ahead: <see cref="Begin"/> and <see cref="End"/> return when the record is on the disk. A record changes the
/// state by the same lines whether it is new or read after a restart. Safe for concurrent use.
/// </summary>
internal sealed class CommandJournal : IDisposable
{
    /// <summary>For a window whose epochs have no bound.</summary>
    public static readonly DateTimeOffset NoBound = DateTimeOffset.MaxValue.AddDays(-1);
    private readonly JournalFile _file;
    private readonly Lock _one = new();
    private readonly Dictionary<string, UnfinishedCommand> _unfinished = new(StringComparer.Ordinal);
    private readonly OrderedDictionary<string, SignedReceipt> _receipts = new(StringComparer.Ordinal);
    private ReplayWindow _window = new();
    private long _epoch;
    private readonly Dictionary<string, long> _proposals = new(StringComparer.Ordinal);
    private long _tree;
    private string? _seen;
    private long _born;
    private long _manifest;
    private readonly Queue<string> _ids = new();
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    private readonly ArrayBufferWriter<byte> _record = new(2048);
    private readonly Utf8JsonWriter _members;

    private CommandJournal(JournalFile file) => (_file, _members) = (file, new(_record));

    /// <exception cref="AgentException">Another process has it, it is damaged, or the disk refuses.</exception>
    public static CommandJournal Open(string directory)
    {
        var journal = new CommandJournal(JournalFile.Open(directory, out var records));
        try
        {
            foreach (var record in records) journal.Apply(record);
            journal.CompactIfLarge();
            return journal;
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException or ArgumentException or NullReferenceException)
        {
            journal.Dispose();
            throw new AgentException($"{directory}/journal holds a record this version does not know", e);
        }
        catch
        {
            journal.Dispose();
            throw;
        }
    }

    /// <summary>The last epoch this device sent in; 0 for none.</summary>
    public long Epoch { get { lock (_one) return _epoch; } }

    /// <summary>Size of the newest audit checkpoint seen.</summary>
    public long TreeSize { get { lock (_one) return _tree; } }

    /// <summary>The newest audit checkpoint that was accepted; null for none.</summary>
    public string? Seen { get { lock (_one) return _seen; } }

    /// <summary>Where its memory begins: commands signed before may have been carried out and forgotten. <see cref="DateTimeOffset.UnixEpoch"/> until <see cref="StartEpoch"/>.</summary>
    public DateTimeOffset Born { get { lock (_one) return DateTimeOffset.FromUnixTimeSeconds(_born); } }

    /// <summary>Highest version of a manifest this device has obeyed; 0 for none.</summary>
    public long ManifestVersion { get { lock (_one) return _manifest; } }

    public bool IsUsed(string proposal) { lock (_one) return _proposals.ContainsKey(proposal); }

    public IReadOnlyList<UnfinishedCommand> Unfinished { get { lock (_one) return [.. _unfinished.Values]; } }

    /// <summary>Receipts that are still to be sent (again), oldest first.</summary>
    public IReadOnlyList<SignedReceipt> Receipts { get { lock (_one) return [.. _receipts.Values]; } }

    public bool IsNew(CommandClaims command, DateTimeOffset now, out Rejection why)
    {
        lock (_one)
        {
            if (!_window.Check(command.Epoch, command.Sequence, now, out why)) return false;
            // Another message with the same id: a center that was restored from a backup, or signed anew what had arrived after all.
            if (_known.Contains(command.Id)) why = new(RejectReason.Replayed, $"command {command.Id} was carried out before, under another number");
            return why.Reason == RejectReason.None;
        }
    }

    public void StartEpoch(long epoch, DateTimeOffset now)
    {
        if (Born == DateTimeOffset.UnixEpoch) Write(new JsonObject { ["t"] = "born", ["at"] = now.ToUnixTimeSeconds() }, durable: true);
        Write(new JsonObject { ["t"] = "epoch", ["epoch"] = epoch }, durable: true);
    }

    public void ObeyManifest(long version) => Write(new JsonObject { ["t"] = "manifest", ["version"] = version }, durable: true);

    /// <summary>Uses up the command's number, and remembers that it began.</summary>
    /// <exception cref="IOException">Not on disk: the command must not run.</exception>
    public void Begin(VerifiedCommand command, string digest, DateTimeOffset at)
    {
        var claims = command.Claims;
        var second = at.ToUnixTimeSeconds();
        lock (_one)
        {
            BeginRecord("begun");
            _members.WriteString("id"u8, claims.Id);
            _members.WriteNumber("epoch"u8, claims.Epoch);
            _members.WriteNumber("seq"u8, claims.Sequence);
            _members.WriteNumber("at"u8, second);
            _members.WriteString("digest"u8, digest);
            _members.WriteString("message"u8, command.Bytes.Span);
            if (claims.Proposal is not null) _members.WriteString("proposal"u8, claims.Proposal);
            EndRecord(durable: true);
            TakeBegun(claims.Id, claims.Epoch, claims.Sequence, second, digest, command.Bytes, claims.Proposal);
            CompactIfLarge();
        }
    }

    public void End(string commandId, SignedReceipt receipt)
    {
        lock (_one)
        {
            BeginRecord("ended");
            _members.WriteString("command"u8, commandId);
            _members.WriteString("id"u8, receipt.Id);
            _members.WriteString("digest"u8, receipt.CommandDigest);
            _members.WriteString("receipt"u8, receipt.Bytes.Span);
            EndRecord(durable: true);
            TakeEnded(commandId, receipt);
            CompactIfLarge();
        }
    }

    /// <summary>The receipt need not be sent any more. Not durable: losing that costs a second copy, which the center recognises.</summary>
    public void Acknowledge(string receiptId)
    {
        lock (_one)
        {
            BeginRecord("acked");
            _members.WriteString("id"u8, receiptId);
            EndRecord(durable: false);
            _receipts.Remove(receiptId);
            CompactIfLarge();
        }
    }

    /// <summary>A witness that forgets can be shown another history: durable when it returns.</summary>
    /// <exception cref="IOException">Not kept: do not cosign.</exception>
    public void SawCheckpoint(string note, long size) => Write(new JsonObject { ["t"] = "seen", ["size"] = size, ["note"] = note }, durable: true);

    /// <summary>The next checkpoint is believed like the first one.</summary>
    public void ForgetCheckpoint() => Write(new JsonObject { ["t"] = "forgot" }, durable: true);

    public void Dispose()
    {
        lock (_one)
        {
            _file.Dispose();
            _members.Dispose();
        }
    }

    private void BeginRecord(string kind)
    {
        _record.ResetWrittenCount();
        _members.Reset();
        _members.WriteStartObject();
        _members.WriteString("t"u8, kind);
    }

    private void EndRecord(bool durable)
    {
        _members.WriteEndObject();
        _members.Flush();
        _file.AppendLine(_record.WrittenSpan, durable);
    }

    private void Write(JsonObject record, bool durable)
    {
        lock (_one)
        {
            _file.Append(record, durable);
            Apply(record);
            CompactIfLarge();
        }
    }

    private void Apply(JsonObject record)
    {
        switch ((string)record["t"]!)
        {
            case "epoch":
                _epoch = Math.Max(_epoch, (long)record["epoch"]!);
                break;
            case "born":
                _born = (long)record["at"]!;
                break;
            case "manifest":
                _manifest = Math.Max(_manifest, (long)record["version"]!);
                break;
            case "used":
                _proposals[(string)record["proposal"]!] = (long)record["at"]!;
                break;
            case "begun":
                TakeBegun((string)record["id"]!, (long)record["epoch"]!, (long)record["seq"]!, (long)record["at"]!, (string)record["digest"]!, Encoding.ASCII.GetBytes((string)record["message"]!), (string?)record["proposal"]);
                break;
            case "ended":
                TakeEnded((string)record["command"]!, new SignedReceipt((string)record["id"]!, (string)record["digest"]!, Encoding.ASCII.GetBytes((string)record["receipt"]!), isJournaled: true));
                break;
            case "acked":
                _receipts.Remove((string)record["id"]!);
                break;
            case "tree":
                _tree = Math.Max(_tree, (long)record["size"]!);
                break;
            case "seen":
                _tree = Math.Max(_tree, (long)record["size"]!);
                _seen = (string)record["note"]!;
                break;
            case "forgot":
                (_tree, _seen) = (0, null);
                break;
            case "state":
                _epoch = (long)record["epoch"]!;
                _tree = (long)record["tree"]!;
                _seen = (string?)record["seen"];
                _born = (long)record["born"]!;
                _manifest = (long)record["manifest"]!;
                foreach (var known in record["ids"] as JsonArray ?? []) Know((string)known!);
                _window = ReplayWindow.Restore(new((long)record["window"]!["epoch"]!, (long)record["window"]!["highest"]!,
                    [.. record["window"]!["seen"]!.AsArray().Select(w => ulong.Parse((string)w!, NumberStyles.HexNumber, CultureInfo.InvariantCulture))]));
                break;
            default:
                throw new FormatException("unknown record");
        }
    }

    private void TakeBegun(string id, long epoch, long sequence, long at, string digest, ReadOnlyMemory<byte> message, string? proposal)
    {
        Know(id);
        if (proposal is not null) _proposals[proposal] = at;
        _unfinished[id] = new(id, message, digest, DateTimeOffset.FromUnixTimeSeconds(at));
        // After a rewrite the window already holds the numbers of the unfinished.
        if (_window.Check(epoch, sequence, NoBound, out _)) _window.Commit(epoch, sequence);
    }

    private void TakeEnded(string commandId, SignedReceipt receipt)
    {
        _unfinished.Remove(commandId);
        _receipts[receipt.Id] = receipt;
    }

    private void Know(string id)
    {
        if (!_known.Add(id)) return;
        _ids.Enqueue(id);
        if (_ids.Count > AgentLimits.KnownIds) _known.Remove(_ids.Dequeue());
    }

    private void CompactIfLarge()
    {
        if (_file.Length <= AgentLimits.JournalBytes) return;
        // Twice the live part at least, or a full outbox would be written anew with every record.
        var live = _unfinished.Values.Sum(u => (long)u.Message.Length) + _receipts.Values.Sum(r => (long)r.Bytes.Length);
        if (_file.Length <= 2 * live) return;
        _file.Rewrite(Snapshot());
    }

    private List<JsonObject> Snapshot()
    {
        var window = _window.Export();
        List<JsonObject> records =
        [
            new()
            {
                ["t"] = "state", ["epoch"] = _epoch, ["tree"] = _tree, ["seen"] = _seen, ["born"] = _born, ["manifest"] = _manifest, ["ids"] = new JsonArray([.. _ids.Select(known => JsonValue.Create(known))]),
                ["window"] = new JsonObject { ["epoch"] = window.Epoch, ["highest"] = window.Highest, ["seen"] = new JsonArray([.. window.Seen.Select(w => JsonValue.Create(w.ToString("x16", CultureInfo.InvariantCulture)))]) },
            },
        ];
        // Approvals are valid for at most a week, so an older proposal cannot come again.
        var newest = _proposals.Count == 0 ? 0 : _proposals.Values.Max();
        foreach (var (proposal, at) in _proposals.Where(p => newest - p.Value <= WireLimits.ProposalLifetime.TotalSeconds)) records.Add(new() { ["t"] = "used", ["proposal"] = proposal, ["at"] = at });
        foreach (var unfinished in _unfinished.Values)
        {
            // Its own number is in the window already; (1, 1) of an epoch long gone changes nothing.
            records.Add(new() { ["t"] = "begun", ["id"] = unfinished.Id, ["epoch"] = 1, ["seq"] = 1, ["at"] = unfinished.At.ToUnixTimeSeconds(), ["digest"] = unfinished.Digest, ["message"] = Encoding.ASCII.GetString(unfinished.Message.Span) });
        }
        foreach (var receipt in _receipts.Values)
            records.Add(new() { ["t"] = "ended", ["command"] = "", ["id"] = receipt.Id, ["digest"] = receipt.CommandDigest, ["receipt"] = Encoding.ASCII.GetString(receipt.Bytes.Span) });
        return records;
    }
}

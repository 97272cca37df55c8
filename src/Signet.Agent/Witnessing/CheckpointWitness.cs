using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Signet.Proof;

namespace Signet.Agent;

/// <summary>
/// The device as a witness of its center's audit log (docs/spec/audit-log.md, "Witnesses"; after C2SP tlog-witness).
/// <code>
/// a note comes (retained, or with a command)
///   the first ever              believe, keep, cosign
///   the same size, same root    count who else has cosigned it; another root: alarm "forked"
///   larger                      ask for a proof from what was seen; proven: keep, then cosign; wrong: alarm "not-consistent"
///   smaller                     an old copy, or a log that was rolled back: ask; nothing newer comes: alarm "rolled-back"
/// a question stays unanswered   asked again once, then alarm; less than what was shown is no answer
/// the answer is another note    it must contain the one that led to the question too: asked next, alarm as above
/// too few others confirm it     alarm "unconfirmed": they may be shown another history
/// </code>
/// What is kept is durable before anything is cosigned. An alarm is written to the device's own disk and log, and is said again at every connection: the center cannot take it back.
/// Safe for several threads.
/// </summary>
internal sealed class CheckpointWitness
{
    private const int RememberedNotes = 32;
    private readonly DeviceHome _home;
    private readonly CommandJournal _journal;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ECDsa? _key;
    private readonly Lock _one = new();
    private readonly Dictionary<WitnessAlarm, WitnessMessage.Alarm> _alarms = [];
    private readonly List<Accepted> _accepted = [];   // oldest first
    private Witness? _witness;
    private Question? _question;
    private long _cosigned;
    private string? _settled;         // the last note that led to nothing more to do
    private DateTimeOffset _ticked;   // the last moment at which the device was known to be connected, while something waits
    private readonly Channel<bool> _waits = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public CheckpointWitness(DeviceHome home, CommandJournal journal, TimeProvider time, ILogger logger)
    {
        (_home, _journal, _time, _logger) = (home, journal, time, logger);
        _ticked = time.GetUtcNow();
        _key = home.Certificate.GetECDsaPrivateKey();
        if (journal.Seen is { } note && Checkpoint.TryParse(note, out var last, out _)) _witness = new(home.CheckpointKeys, last.Origin, last);
        foreach (var alarm in AlarmFile.Read(home.StateDirectory)) _alarms[alarm.Reason] = alarm;
    }

    /// <summary>False: this device has no key of a log, or none to cosign with, and looks at nothing.</summary>
    public bool IsWitness => _key is not null && _home.CheckpointKeys.Count > 0;

    /// <summary>A question has no answer yet, or others have not confirmed what was accepted: <see cref="Tick"/> wants to be called.</summary>
    public bool IsWaiting { get { lock (_one) return Waits; } }

    private bool Waits => _question is not null || (_home.Witnesses.Quorum > 1 && _accepted.Count > 0);

    /// <summary>Done when <see cref="IsWaiting"/> may have become true.</summary>
    public async Task WhenWaitingAsync(CancellationToken cancellationToken) => await _waits.Reader.ReadAsync(cancellationToken);

    /// <summary>The alarms in force, for the status that the device signs.</summary>
    public IReadOnlyList<string> Alarms { get { lock (_one) return [.. _alarms.Keys.Select(Word)]; } }

    /// <summary>What is said when a connection begins: alarms again, whoever was there to hear them before.</summary>
    public IReadOnlyList<byte[]> Opening()
    {
        lock (_one)
        {
            (_cosigned, _settled) = (0, null);
            // Nobody's confirmation could come while the device was away. Only that time is given: whoever cuts the connection again and again gains nothing.
            var away = _time.GetUtcNow() - _ticked;
            for (var i = 0; i < _accepted.Count; i++) _accepted[i] = _accepted[i] with { At = _accepted[i].At + away };
            if (_question is { } question) _question = question with { At = question.At + away };
            _ticked = _time.GetUtcNow();
            // Also here, not only at a tick: a connection may end before its first one.
            var questions = Overdue().Where(said => WitnessMessage.TryRead(said, out var message) && message is WitnessMessage.Ask).ToList();
            // The answer may have been lost with the last connection. The time goes on.
            if (questions.Count == 0 && _question is { } still) questions.Add(new WitnessMessage.Ask(still.From.Size).ToBytes());
            if (Waits) _waits.Writer.TryWrite(true);
            foreach (var alarm in _alarms.Values) Log.WitnessAlarm(_logger, _home.Name, Word(alarm.Reason), Sentence(alarm.Reason));
            return [.. questions, .. _alarms.Values.Select(alarm => alarm.ToBytes())];
        }
    }

    /// <summary>The connection has ended: it stood until now.</summary>
    public void Closing()
    {
        lock (_one) _ticked = _time.GetUtcNow();
    }

    /// <summary>A message on the checkpoint topic, or the note that came with a command. Returns what to answer.</summary>
    public IReadOnlyList<byte[]> Take(ReadOnlySpan<byte> payload)
    {
        if (!IsWitness || payload.Length is 0 or > WitnessMessage.MaximumLength) return [];
        lock (_one)
        {
            _ticked = _time.GetUtcNow();
            var answers = payload[0] != (byte)'{' ? TakeNote(Encoding.UTF8.GetString(payload))
                : WitnessMessage.TryRead(payload, out var message) && message is WitnessMessage.Shown shown ? TakeShown(shown) : [];
            if (Waits) _waits.Writer.TryWrite(true);
            return answers;
        }
    }

    /// <summary>Called every second while <see cref="IsWaiting"/>: unanswered questions, confirmations that do not come.</summary>
    public IReadOnlyList<byte[]> Tick()
    {
        if (!IsWitness) return [];
        lock (_one)
        {
            _ticked = _time.GetUtcNow();
            return Overdue();
        }
    }

    private List<byte[]> Overdue()
    {
        var answers = new List<byte[]>();
        if (_question is { } question && _time.GetUtcNow() - question.At >= AgentLimits.WitnessPatience) answers.AddRange(AskAgain(question));
        if (_home.Witnesses.Quorum > 1 && _accepted.Count > 0 && _time.GetUtcNow() - _accepted[0].At >= AgentLimits.ConfirmationPatience)
            answers.AddRange(Raise(WitnessAlarm.Unconfirmed, _accepted[0].Checkpoint.Note, ""));
        return answers;
    }

    private IReadOnlyList<byte[]> TakeNote(string note)
    {
        // The newest note comes with every command: the same one again, once it is kept and cosigned, costs no signature.
        if (note == _settled) return [];
        var answers = JudgeNote(note);
        _settled = _witness?.Last is { } last && last.Note == note && _cosigned == last.Size ? note : null;
        return answers;
    }

    private IReadOnlyList<byte[]> JudgeNote(string note)
    {
        if (!Checkpoint.TryParse(note, out var checkpoint, out _) || checkpoint.Verify(_home.CheckpointKeys) != CheckpointTrust.Good)
        {
            Log.NoteIgnored(_logger, _home.Name);   // not the log's word: anybody could have made it
            return [];
        }
        _witness ??= new(_home.CheckpointKeys, checkpoint.Origin, null);
        Confirm(checkpoint);
        switch (_witness.Compare(checkpoint, []))
        {
            case WitnessVerdict.Accepted when _witness.Last is null:
                return Accept(checkpoint);
            case WitnessVerdict.Accepted:
                return Cosign(_witness.Last);
            case WitnessVerdict.Forked:
                return Raise(WitnessAlarm.Forked, _witness.Last!.Note, note);
            case WitnessVerdict.RolledBack when IsRemembered(checkpoint):
                return [];
            case WitnessVerdict.RolledBack or WitnessVerdict.NotConsistent:
                return Ask(checkpoint);
            default:
                return [];
        }
    }

    private IReadOnlyList<byte[]> TakeShown(WitnessMessage.Shown shown)
    {
        if (_witness?.Last is not { } last) return [];
        if (_question is { IsAside: true } aside && shown.From == aside.From.Size) return TakeAside(aside, shown);
        if (shown.From != last.Size) return [];   // an answer to an earlier question
        switch (_witness.Judge(shown.Note, shown.Path, out var checkpoint))
        {
            // Who has shown 40 entries must prove 40. The kept note once more would be right and prove nothing: the question stays open.
            case WitnessVerdict.Accepted when _question is { } open && checkpoint!.Size < open.Shown.Size:
                return [];
            case WitnessVerdict.Accepted:
                var asked = _question;
                if (asked is { IsAside: false }) _question = null;
                Confirm(checkpoint!);
                var answers = checkpoint!.Size == last.Size ? Cosign(last) : Accept(checkpoint);
                return asked is { IsAside: false } ? [.. answers, .. Settle(asked.Shown)] : answers;
            case WitnessVerdict.Forked:
                return Raise(WitnessAlarm.Forked, last.Note, shown.Note);
            case WitnessVerdict.NotConsistent:
                _question = null;
                return Raise(WitnessAlarm.NotConsistent, last.Note, shown.Note);
            case WitnessVerdict.RolledBack:
                _question = null;
                return Raise(WitnessAlarm.RolledBack, last.Note, shown.Note);
            default:
                return [];
        }
    }

    // What led to a question is signed by the log, so what was proven now must contain it.
    private IReadOnlyList<byte[]> Settle(Checkpoint shown)
    {
        var last = _witness!.Last!;
        if (shown.Size == last.Size)
        {
            if (shown.Root != last.Root) return Raise(WitnessAlarm.Forked, last.Note, shown.Note);
            Confirm(shown);   // the others' cosignatures may have come with it
            return [];
        }
        if (shown.Size > last.Size || IsRemembered(shown)) return [];   // larger: the proven one could not be kept; it comes again
        _question = new(shown, last, _time.GetUtcNow() + AgentLimits.WitnessPause - AgentLimits.WitnessPatience, 0, IsAside: true);
        return [];
    }

    private IReadOnlyList<byte[]> TakeAside(Question aside, WitnessMessage.Shown shown)
    {
        var last = _witness!.Last!;
        if (!Checkpoint.TryParse(shown.Note, out var newest, out _) || newest.Origin != last.Origin || newest.Size < last.Size || newest.Verify(_home.CheckpointKeys) != CheckpointTrust.Good) return [];
        _question = null;
        if (!MerkleTree.VerifyConsistency(aside.From.Size, aside.From.Root, newest.Size, newest.Root, shown.Path)) return Raise(WitnessAlarm.NotConsistent, aside.From.Note, newest.Note);
        Remember(aside.From);
        return JudgeNote(newest.Note);
    }

    private IReadOnlyList<byte[]> Accept(Checkpoint checkpoint)
    {
        try
        {
            _journal.SawCheckpoint(checkpoint.Note, checkpoint.Size);
            File.WriteAllText(WitnessState.NoteIn(_home.StateDirectory), checkpoint.Note);
        }
        catch (IOException e)
        {
            Log.JournalFailed(_logger, e.Message);   // not kept, so not cosigned
            return [];
        }
        _witness = _witness!.Accept(checkpoint);
        _accepted.Add(new(checkpoint, _time.GetUtcNow()));
        // The oldest stays: a center that signs faster than others confirm does not put the alarm off. What confirms a later one confirms those that were let go.
        if (_accepted.Count > RememberedNotes) _accepted.RemoveAt(1);
        Remember(checkpoint);
        Confirm(checkpoint);
        return Cosign(checkpoint);
    }

    private IReadOnlyList<byte[]> Cosign(Checkpoint checkpoint)
    {
        if (_cosigned == checkpoint.Size) return [];
        _cosigned = checkpoint.Size;
        return [new WitnessMessage.Cosigned(checkpoint.Size, Cosignature.Sign(checkpoint, _home.Name, _key!, _time.GetUtcNow())).ToBytes()];
    }

    // Counts who else stands under a note that this device accepted. What a quorum has confirmed, and everything before it, is the history that the others see too.
    private void Confirm(Checkpoint checkpoint)
    {
        var place = _accepted.FindIndex(a => a.Checkpoint.TextHash == checkpoint.TextHash);
        if (place < 0) return;
        var (quorum, keys) = (_home.Witnesses.Quorum, _home.Witnesses.Keys);
        // Who is not on the list does not count itself: else two histories with half of the list each would both satisfy such devices.
        var own = quorum <= 1 || keys.ContainsKey(_home.Name) ? 1 : 0;
        var others = quorum <= 1 ? 0 : Cosignature.Verified(checkpoint, checkpoint.Note[(checkpoint.Text.Length + 1)..].Split('\n', StringSplitOptions.RemoveEmptyEntries), keys, enough: quorum).Count(name => name != _home.Name);
        if (others + own < quorum) return;
        _accepted.RemoveRange(0, place + 1);
        if (_alarms.Remove(WitnessAlarm.Unconfirmed))
        {
            AlarmFile.Write(_home.StateDirectory, _alarms.Values);
            Log.Confirmed(_logger, _home.Name, checkpoint.Size);
        }
    }

    private IReadOnlyList<byte[]> Ask(Checkpoint shown)
    {
        if (_question is { } open)
        {
            // The same note with more cosignatures: they count when the answer comes.
            if (open.Shown.TextHash == shown.TextHash && open.Shown.Note.Length < shown.Note.Length) _question = open with { Shown = shown };
            return [];
        }
        _question = new(_witness!.Last!, shown, _time.GetUtcNow(), 1, IsAside: false);
        return [new WitnessMessage.Ask(_witness.Last!.Size).ToBytes()];
    }

    private IReadOnlyList<byte[]> AskAgain(Question question)
    {
        if (question.Tries < AgentLimits.WitnessTries)
        {
            _question = question with { At = _time.GetUtcNow(), Tries = question.Tries + 1 };
            return [new WitnessMessage.Ask(question.From.Size).ToBytes()];
        }
        _question = null;
        return Raise(question.Shown.Size < question.From.Size ? WitnessAlarm.RolledBack : WitnessAlarm.NoProof, question.From.Note, question.Shown.Note);
    }

    private IReadOnlyList<byte[]> Raise(WitnessAlarm reason, string seen, string other)
    {
        if (_alarms.ContainsKey(reason)) return [];   // it stands until a person has looked at it
        var alarm = WitnessMessage.Alarm.Sign(reason, seen, other, _time.GetUtcNow(), _key!);
        _alarms[reason] = alarm;
        Log.WitnessAlarm(_logger, _home.Name, Word(reason), Sentence(reason));
        try
        {
            AlarmFile.Write(_home.StateDirectory, _alarms.Values);
        }
        catch (IOException e)
        {
            Log.JournalFailed(_logger, e.Message);
        }
        return [alarm.ToBytes()];
    }

    private readonly Queue<Digest> _remembered = new();

    private bool IsRemembered(Checkpoint checkpoint) => _remembered.Contains(checkpoint.TextHash);

    private void Remember(Checkpoint checkpoint)
    {
        _remembered.Enqueue(checkpoint.TextHash);
        if (_remembered.Count > RememberedNotes) _remembered.Dequeue();
    }

    public static string Word(WitnessAlarm reason) => reason switch
    {
        WitnessAlarm.Forked => "forked",
        WitnessAlarm.RolledBack => "rolled-back",
        WitnessAlarm.NotConsistent => "not-consistent",
        WitnessAlarm.NoProof => "no-proof",
        _ => "unconfirmed",
    };

    public static string Sentence(WitnessAlarm reason) => reason switch
    {
        WitnessAlarm.Forked => "the center signed two different histories of the same length",
        WitnessAlarm.RolledBack => "the center's log holds less than this device has seen of it",
        WitnessAlarm.NotConsistent => "the center's log does not contain what this device has seen of it",
        WitnessAlarm.NoProof => "the center does not prove that its log contains what this device has seen of it",
        _ => "not enough other devices confirm the history that is shown to this one",
    };

    private sealed record Accepted(Checkpoint Checkpoint, DateTimeOffset At);

    /// <param name="From">What the proof must begin with: the kept note, or (aside) one that is not kept.</param>
    /// <param name="Shown">What led to the question; aside: the kept note.</param>
    /// <param name="At">When it was asked.</param>
    /// <param name="Tries">How often.</param>
    /// <param name="IsAside">The kept note is not in question, but another one that the log signed.</param>
    private sealed record Question(Checkpoint From, Checkpoint Shown, DateTimeOffset At, int Tries, bool IsAside);
}

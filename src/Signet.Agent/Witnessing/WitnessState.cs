using Signet.Proof;

namespace Signet.Agent;

/// <summary>What a device keeps as a witness of the audit log, for whoever stands in front of it.</summary>
/// <param name="Note">The last checkpoint it accepted; null for none.</param>
/// <param name="Size">Entries that it covers.</param>
/// <param name="Alarms">What it has raised.</param>
public sealed record WitnessState(string? Note, long Size, IReadOnlyList<WitnessState.Raised> Alarms)
{
    /// <param name="Reason">One word.</param>
    /// <param name="Sentence">What it means.</param>
    /// <param name="Time">Since when.</param>
    /// <param name="Seen">The note it had accepted.</param>
    /// <param name="Other">The note that does not fit, or "".</param>
    public sealed record Raised(string Reason, string Sentence, DateTimeOffset Time, string Seen, string Other);

    /// <exception cref="AgentException">No device's directory.</exception>
    public static WitnessState Read(string directory)
    {
        var state = StateOf(directory);
        var alarms = AlarmFile.Read(state).Select(alarm => new Raised(CheckpointWitness.Word(alarm.Reason), CheckpointWitness.Sentence(alarm.Reason), alarm.Time, alarm.Seen, alarm.Other)).ToList();
        // The copy for people: the journal is the running device's.
        var note = File.Exists(NoteIn(state)) ? File.ReadAllText(NoteIn(state)) : null;
        return new(note, note is not null && Checkpoint.TryParse(note, out var checkpoint, out _) ? checkpoint.Size : 0, alarms);
    }

    /// <summary>The next checkpoint is believed like the first one, and the alarms are gone.</summary>
    /// <exception cref="AgentException">The device runs, or its journal is damaged.</exception>
    public static void Forget(string directory)
    {
        var state = StateOf(directory);
        using var journal = CommandJournal.Open(state);
        journal.ForgetCheckpoint();
        AlarmFile.Write(state, []);
        File.Delete(NoteIn(state));
    }

    /// <summary>The last accepted note as a file: what `signet audit verify --known` takes.</summary>
    internal static string NoteIn(string state) => Path.Combine(state, "checkpoint");

    private static string StateOf(string directory) => File.Exists(Path.Combine(directory, "device.json")) ? Path.Combine(directory, "state") : throw DeviceHome.NoDevice(directory);
}

using System.Text;
using Signet.Proof;

namespace Signet.Control;

/// <summary>A checkpoint as it is handed out.</summary>
/// <param name="Checkpoint">What the log signed.</param>
/// <param name="Lines">Cosignatures under it.</param>
/// <param name="Bytes">The note with them.</param>
internal sealed record CosignedNote(Checkpoint Checkpoint, int Lines, byte[] Bytes)
{
    /// <summary>The note without them.</summary>
    public byte[] Bare { get; } = Encoding.UTF8.GetBytes(Checkpoint.Note);
}

/// <summary>The newest checkpoints of this run, and who has cosigned each so far. Safe for concurrent use.</summary>
internal sealed class CosignedNotes
{
    private const int Remembered = 64;
    private readonly Lock _one = new();
    private readonly SortedDictionary<long, Signed> _signed = [];
    private Signed? _newest;

    public void Add(Checkpoint checkpoint)
    {
        lock (_one)
        {
            _signed[checkpoint.Size] = new(checkpoint);
            if (_signed.Count > Remembered) _signed.Remove(_signed.Keys.First());
            _newest = _signed.Values.Last();
        }
    }

    /// <returns>Null: of before this run, or too long ago.</returns>
    public Checkpoint? Find(long size)
    {
        lock (_one) return _signed.GetValueOrDefault(size)?.Checkpoint;
    }

    /// <param name="checkpoint">Of <see cref="Find"/>.</param>
    /// <param name="device">The signer.</param>
    /// <param name="line">Its cosignature, verified; ends with a line feed.</param>
    public void Cosign(Checkpoint checkpoint, string device, string line)
    {
        lock (_one)
            if (_signed.TryGetValue(checkpoint.Size, out var signed))
                signed.Lines[device] = line;
    }

    /// <summary>The newest checkpoint with these devices' cosignatures: what confirms the newest one confirms all before it.</summary>
    public CosignedNote? Newest(IReadOnlyCollection<string> witnesses)
    {
        lock (_one)
        {
            if (_newest is not { } signed) return null;
            List<string> lines = [.. witnesses.Where(signed.Lines.ContainsKey).Select(witness => signed.Lines[witness])];
            return new(signed.Checkpoint, lines.Count, Encoding.UTF8.GetBytes(signed.Checkpoint.Note + string.Concat(lines)));
        }
    }

    private sealed class Signed(Checkpoint checkpoint)
    {
        public Checkpoint Checkpoint { get; } = checkpoint;
        public Dictionary<string, string> Lines { get; } = new(StringComparer.Ordinal);
    }
}

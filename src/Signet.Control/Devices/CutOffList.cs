using System.Text;
using Signet.Wire;

namespace Signet.Control;

/// <summary>
/// Names of devices that are being cut off and that signet.db was not told of yet (<c>DATA/cut-off</c>, mode 0600): a quarantine that the database takes nothing of outlives a stop of the center.
/// Slots of <see cref="SlotBytes"/> bytes, a name, spaces, a line feed; a free one is spaces. The room for <see cref="ControlLimits.CutOffSlots"/> is taken when the file is made, so that a full disk
/// hinders nothing. A name is written before the cut, and its slot freed when the row is in. For one thread at a time: the administration's turn.
/// </summary>
internal sealed class CutOffList : IDisposable
{
    public const string FileName = "cut-off";

    /// <summary>A device's name has at most 63 characters. Divides the sector of every disk, so that a slot is there whole or not at all.</summary>
    public const int SlotBytes = 64;

    private readonly FileStream _file;
    private readonly Dictionary<string, int> _slots = new(StringComparer.Ordinal);
    private readonly SortedSet<int> _free = [];
    private bool _isUnsynced;
    private int _end;

    private CutOffList(FileStream file) => _file = file;

    /// <summary>What stood in it when it was opened, and what was added since.</summary>
    public IReadOnlyCollection<string> Names => _slots.Keys;

    /// <exception cref="IOException">It cannot be opened.</exception>
    public static CutOffList Open(string directory)
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.Read, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var list = new CutOffList(new(Path.Combine(directory, FileName), options));
        list.Read();
        list.TakeRoom();
        return list;
    }

    /// <summary>Durable when this returns true. False: it could not be written; the cut is made all the same.</summary>
    public bool TryAdd(string name, out string why)
    {
        why = "";
        if (_slots.ContainsKey(name)) return true;
        var slot = _free.Count > 0 ? _free.Min : _end;
        try
        {
            Write(slot, name);
            Sync();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            why = e.Message;
            return false;
        }

        _free.Remove(slot);
        _slots[name] = slot;
        _end = Math.Max(_end, slot + 1);
        return true;
    }

    /// <summary>The row is in. Not synced: should the machine lose it, the list says what the database says.</summary>
    /// <exception cref="IOException">The name stands in it still.</exception>
    public void Remove(string name)
    {
        if (!_slots.TryGetValue(name, out var slot)) return;
        Write(slot, "");
        _isUnsynced = true;
        _slots.Remove(name);
        _free.Add(slot);
    }

    /// <summary>Before anybody is let in again: no name of old may come back with the next start.</summary>
    /// <exception cref="IOException">It is not on the disk.</exception>
    public void SyncRemovals()
    {
        if (_isUnsynced) Sync();
    }

    public void Dispose() => _file.Dispose();

    private void Read()
    {
        var bytes = new byte[_file.Length / SlotBytes * SlotBytes];
        _file.ReadExactly(bytes);
        _end = bytes.Length / SlotBytes;
        for (var slot = 0; slot < _end; slot++)
        {
            var name = Encoding.ASCII.GetString(bytes, slot * SlotBytes, SlotBytes).TrimEnd(' ', '\n');
            // Anything else than a name, a slot that was half written on a strange disk among it, names nobody.
            if (!Topics.IsDeviceName(name) || !_slots.TryAdd(name, slot)) _free.Add(slot);
        }
    }

    private void TakeRoom()
    {
        try
        {
            for (; _end < ControlLimits.CutOffSlots; _end++)
            {
                Write(_end, "");
                _free.Add(_end);
            }

            Sync();
        }
        catch (IOException)
        {
            // A full disk: what room there is must do.
        }
    }

    private void Write(int slot, string name) => RandomAccess.Write(_file.SafeFileHandle, Encoding.ASCII.GetBytes(name.PadRight(SlotBytes - 1) + "\n"), (long)slot * SlotBytes);

    private void Sync()
    {
        RandomAccess.FlushToDisk(_file.SafeFileHandle);
        _isUnsynced = false;
    }
}

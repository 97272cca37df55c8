using System.Buffers.Binary;
using System.Security.Cryptography;
using Signet.Proof;
using Signet.Store;

namespace Signet.Audit;

/// <summary>
/// The file that keeps the present HMAC key (mode 0600). Two slots of one disk sector each hold epoch, key and a checksum; moving on writes the other slot, syncs,
/// then overwrites the old slot with zeros in place and syncs: a new file would leave the old key in a freed block.
/// After a crash between the two syncs both slots are good; the higher epoch counts and opening finishes the erasure.
/// </summary>
internal sealed class KeySlots : IDisposable
{
    public const string FileName = "hmac.key";
    private const int SlotSize = 512;   // the smallest sector: a torn write spoils one slot only
    private const int Used = sizeof(long) + ForwardKey.Size + Digest.Size;
    private readonly FileStream _file;
    private int _slot;

    private KeySlots(FileStream file) => _file = file;

    /// <summary>Epoch of the kept key.</summary>
    public long Epoch { get; private set; }

    public static KeySlots Create(string directory, ForwardKey key)
    {
        var path = Path.Combine(directory, FileName);
        File.Delete(path);   // left behind by a crash before the log existed
        DurableFile.Create(path).Dispose();
        var slots = new KeySlots(OpenFile(path, FileAccess.ReadWrite));
        slots._file.SetLength(2 * SlotSize);
        slots.Write(0, key);
        DurableFile.SyncDirectory(directory);
        return slots;
    }

    /// <summary>Opens the file and takes the key out; null when neither slot holds one.</summary>
    public static KeySlots? TryOpen(string directory, bool readOnly, out ForwardKey? key)
    {
        key = null;
        var path = Path.Combine(directory, FileName);
        if (!File.Exists(path)) return null;
        var slots = new KeySlots(OpenFile(path, readOnly ? FileAccess.Read : FileAccess.ReadWrite));
        using var first = slots.Read(0);
        using var second = slots.Read(1);
        slots._slot = second is not null && (first is null || second.Epoch > first.Epoch) ? 1 : 0;
        key = (slots._slot == 0 ? first : second)?.Copy();
        if (key is null)
        {
            slots.Dispose();
            return null;
        }
        slots.Epoch = key.Epoch;
        if (!readOnly && first is not null && second is not null) slots.Erase(1 - slots._slot);
        return slots;
    }

    /// <summary>Makes this the kept key and destroys the one before it.</summary>
    public void Replace(ForwardKey key)
    {
        var old = _slot;
        Write(1 - old, key);
        (_slot, Epoch) = (1 - old, key.Epoch);
        // crash here: both keys are on the disk; the next opening takes the newer one and erases the other.
        Erase(old);
    }

    public void Dispose() => _file.Dispose();

    private static FileStream OpenFile(string path, FileAccess access) => new(path, FileMode.Open, access, FileShare.ReadWrite);

    private void Write(int slot, ForwardKey key)
    {
        Span<byte> bytes = stackalloc byte[Used];
        BinaryPrimitives.WriteInt64BigEndian(bytes, key.Epoch);
        key.CopyTo(bytes[sizeof(long)..]);
        Digest.Sha256(bytes[..^Digest.Size]).CopyTo(bytes[^Digest.Size..]);
        WriteSynced(slot, bytes);
        CryptographicOperations.ZeroMemory(bytes);
    }

    private void Erase(int slot) => WriteSynced(slot, new byte[Used]);

    private void WriteSynced(int slot, ReadOnlySpan<byte> bytes)
    {
        RandomAccess.Write(_file.SafeFileHandle, bytes, slot * SlotSize);
        RandomAccess.FlushToDisk(_file.SafeFileHandle);
    }

    private ForwardKey? Read(int slot)
    {
        Span<byte> bytes = stackalloc byte[Used];
        bytes.Clear();
        RandomAccess.Read(_file.SafeFileHandle, bytes, slot * SlotSize);
        var epoch = BinaryPrimitives.ReadInt64BigEndian(bytes);
        var isGood = epoch >= 0 && Digest.Sha256(bytes[..^Digest.Size]).Equals(bytes[^Digest.Size..]);
        var key = isGood ? new ForwardKey(bytes.Slice(sizeof(long), ForwardKey.Size), epoch) : null;
        CryptographicOperations.ZeroMemory(bytes);
        return key;
    }
}

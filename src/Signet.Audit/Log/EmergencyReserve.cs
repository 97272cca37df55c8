using Signet.Store;

namespace Signet.Audit;

/// <summary>
/// Disk space set aside while there is some: a file of real bytes, <c>reserve</c>. When the disk is full, an emergency entry may cut a slice off it and try again,
/// so that revocation, quarantine, stop and an administrator's sign-in work and are recorded. It grows back when there is space.
/// Another program may take the freed space first; then the entry is refused like any other.
/// </summary>
internal sealed class EmergencyReserve(string directory, long size)
{
    private const string FileName = "reserve";
    private const int Slice = 1 << 20;
    private const int Headroom = 1 << 18;   // a guess: what an emergency writes outside the log (its act's own row, a revocation list, a closed session), several times over
    private readonly string _path = Path.Combine(directory, FileName);
    private readonly Lock _gate = new();

    /// <summary>Less than all of it is there: ordinary entries must wait, or they would use up what is kept for emergencies.</summary>
    public bool IsTouched { get; private set; }

    /// <summary>
    /// Before an emergency: the act itself must be written too, into other files of the same disk. Cuts off a slice when hardly anything is free.
    /// </summary>
    public void MakeRoom()
    {
        if (size > 0 && Free() < Headroom) TryRelease();
    }

    /// <summary>Fills it up when there is space for all of it and a slice more: half of it would only take away again what was given free. False when there is not; what there is stays.</summary>
    public bool TryRestore()
    {
        if (size == 0) return true;
        lock (_gate)
        {
            try
            {
                var missing = size - (new FileInfo(_path) is { Exists: true } info ? info.Length : 0);
                if (missing > 0 && Free() - Slice < missing)
                {
                    IsTouched = true;
                    return false;
                }
                using var file = new FileStream(_path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read);
                var zeros = new byte[64 * 1024];   // written, not only sized: a sparse file keeps no space
                for (file.Position = file.Length; file.Length < size;) file.Write(zeros, 0, (int)Math.Min(zeros.Length, size - file.Length));
                if (file.Length > size) file.SetLength(size);
                file.Flush(flushToDisk: true);
                IsTouched = false;
                return true;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                IsTouched = true;
                return false;
            }
        }
    }

    /// <summary>Gives a slice to the disk; false when nothing is left.</summary>
    public bool TryRelease()
    {
        lock (_gate)
        {
            try
            {
                var left = new FileInfo(_path) is { Exists: true } info ? info.Length : 0;
                if (left == 0) return false;
                IsTouched = true;
                using (var file = new FileStream(_path, FileMode.Open, FileAccess.Write, FileShare.Read)) file.SetLength(Math.Max(0, left - Slice));
                DurableFile.SyncDirectory(directory);
                return true;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return false;
            }
        }
    }

    // Where nobody can say it, writing will tell.
    private long Free()
    {
        try
        {
            return new DriveInfo(directory).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return long.MaxValue;
        }
    }
}

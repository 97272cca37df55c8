using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Signet.Agent;

/// <summary>
/// The file under the journal: one record a line, each with a digest of itself (docs/spec/device-home.md). What <see cref="Append"/> returned from with
/// <c>durable</c> is on the disk. A torn last line is cut off at opening; damage anywhere else is refused. Not safe for concurrent use.
/// </summary>
internal sealed class JournalFile : IDisposable
{
    private const int DigestCharacters = 16;
    private readonly string _path;
    private readonly FileStream _lock;
    private FileStream _file;
    private byte[] _line = new byte[4096];

    private JournalFile(string path, FileStream held, FileStream file) => (_path, _lock, _file, Length) = (path, held, file, file.Length);

    /// <summary>Bytes; nobody else writes to the file.</summary>
    public long Length { get; private set; }

    /// <summary>Opens or makes the file, and reads it.</summary>
    /// <exception cref="AgentException">Another process has it, it is damaged, or the disk refuses.</exception>
    public static JournalFile Open(string directory, out List<JsonObject> records)
    {
        var path = Path.Combine(directory, "journal");
        FileStream? held = null;
        try
        {
            if (OperatingSystem.IsWindows()) Directory.CreateDirectory(directory);
            else Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            held = Lock(directory);
            File.Delete(path + ".new"); // half of a rewrite that did not happen
            var file = OpenForAppend(path);
            records = Read(file, path);
            return new(path, held, file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            held?.Dispose();
            throw new AgentException($"cannot open {path}: {e.Message}", e);
        }
        catch
        {
            held?.Dispose();
            throw;
        }
    }

    /// <exception cref="IOException">Not written; the file is as it was before.</exception>
    public void Append(JsonObject record, bool durable) => AppendLine(Encoding.UTF8.GetBytes(record.ToJsonString()), durable);

    /// <param name="json">A record in one line.</param>
    /// <param name="durable">Whether it must be on the disk when this returns.</param>
    /// <exception cref="IOException">As above.</exception>
    public void AppendLine(ReadOnlySpan<byte> json, bool durable)
    {
        var line = Encode(json);
        try
        {
            _file.Position = Length;
            _file.Write(line);
            _file.Flush(flushToDisk: durable);
            Length += line.Length;
        }
        catch (IOException)
        {
            _file.SetLength(Length); // half a line in the middle would be damage later
            throw;
        }
    }

    /// <summary>Replaces everything by these records: beside the old file, flushed, renamed over it. The next flush of the new file makes the rename durable too (the file systems in use commit it with the file's own metadata).</summary>
    public void Rewrite(IEnumerable<JsonObject> records)
    {
        var beside = OpenForAppend(_path + ".new");
        foreach (var record in records) beside.Write(Encode(Encoding.UTF8.GetBytes(record.ToJsonString())));
        beside.Flush(flushToDisk: true);
        File.Move(_path + ".new", _path, overwrite: true);
        beside.Flush(flushToDisk: true);
        _file.Dispose();
        (_file, Length) = (beside, beside.Length);
    }

    public void Dispose()
    {
        _file.Dispose();
        _lock.Dispose();
    }

    private static FileStream Lock(string directory)
    {
        try
        {
            return new FileStream(Path.Combine(directory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw new AgentException($"another process runs this device: {directory}/lock is taken", e);
        }
    }

    private static FileStream OpenForAppend(string path)
    {
        // No buffer: a record goes to the system in one write, and nothing is left behind in the process.
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.Read, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(path, options);
    }

    /// <summary>Good until the next one.</summary>
    private ReadOnlySpan<byte> Encode(ReadOnlySpan<byte> json)
    {
        var length = DigestCharacters + 1 + json.Length + 1;
        if (_line.Length < length) _line = new byte[length];
        DigestOf(json, _line.AsSpan(0, DigestCharacters));
        _line[DigestCharacters] = (byte)' ';
        json.CopyTo(_line.AsSpan(DigestCharacters + 1));
        _line[length - 1] = (byte)'\n';
        return _line.AsSpan(0, length);
    }

    private static void DigestOf(ReadOnlySpan<byte> json, Span<byte> digits)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(json, digest);
        Convert.TryToHexStringLower(digest[..(DigestCharacters / 2)], digits, out _);
    }

    private static List<JsonObject> Read(FileStream file, string path)
    {
        if (file.Length > int.MaxValue / 2) throw new AgentException($"{path} is too large to be a device's journal");
        var content = new byte[file.Length];
        file.ReadExactly(content);
        var records = new List<JsonObject>();
        var at = 0;
        while (at < content.Length)
        {
            var length = content.AsSpan(at).IndexOf((byte)'\n');
            var line = length < 0 ? content.AsSpan(at) : content.AsSpan(at, length);
            if (length >= 0 && TryDecode(line, out var record))
            {
                records.Add(record!);
                at += length + 1;
                continue;
            }
            if (length < 0 || at + length + 1 == content.Length)
            {
                file.SetLength(at); // the last line, torn by a crash before its flush returned: nothing was done because of it
                break;
            }
            throw new AgentException($"{path} is damaged at byte {at} (line {records.Count + 1}): the device cannot tell what it has already done. "
                + "Look for the cause, then delete the file; commands signed before that moment may then be taken once more until they expire");
        }
        return records;
    }

    private static bool TryDecode(ReadOnlySpan<byte> line, out JsonObject? record)
    {
        record = null;
        if (line.Length is <= DigestCharacters + 1 or > AgentLimits.JournalRecordBytes || line[DigestCharacters] != ' ') return false;
        var json = line[(DigestCharacters + 1)..];
        Span<byte> digits = stackalloc byte[DigestCharacters];
        DigestOf(json, digits);
        if (!line[..DigestCharacters].SequenceEqual(digits)) return false;
        try
        {
            record = JsonNode.Parse(json) as JsonObject;
        }
        catch (JsonException)
        {
            return false;
        }
        return record is not null;
    }
}

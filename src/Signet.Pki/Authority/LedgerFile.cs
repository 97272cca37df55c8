using System.Text.Json;
using System.Text.Json.Serialization;

namespace Signet.Pki;

/// <summary>One line of <c>ledger.ndjson</c>: docs/spec/pki.md, "Ledger". Fields that an event does not have are absent.</summary>
internal sealed record LedgerLine(string Event, DateTimeOffset At, string Issuer)
{
    public const string Issued = "issued", Revoked = "revoked", Released = "released", Retired = "retired", Crl = "crl";

    public string? Serial { get; init; }

    public CertificateProfile? Profile { get; init; }

    public string? Name { get; init; }

    public string? Thumbprint { get; init; }

    public string? Key { get; init; }

    public DateTimeOffset? NotBefore { get; init; }

    public DateTimeOffset? NotAfter { get; init; }

    public RevocationReason? Reason { get; init; }

    public long? Number { get; init; }

    /// <summary>The list that deltas build on; its own number when it is such a list.</summary>
    public long? Base { get; init; }
}

/// <summary>
/// Append-only file of JSON lines. A line is on the disk when <see cref="Append"/> returns; a crash in the middle of one leaves a torn last line,
/// which was never acknowledged and is cut off at the next opening. Anything else that cannot be read stops the opening: nothing is guessed.
/// </summary>
internal sealed class LedgerFile : IDisposable
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false) },
    };

    private readonly FileStream _file;
    private readonly string _path;

    private LedgerFile(string path, FileStream file) => (_path, _file) = (path, file);

    public static LedgerFile Create(string path) => new(path, Open(path, FileMode.CreateNew));

    /// <summary>Opens and reads every line, in order.</summary>
    public static LedgerFile Open(string path, out List<LedgerLine> lines)
    {
        var file = Open(path, FileMode.Open);
        try
        {
            lines = Read(path, file);
            return new(path, file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>All lines with one flush; durable when it returns. After a failed write the ledger takes no more: what is on the disk is not known.</summary>
    public void Append(params ReadOnlySpan<LedgerLine> lines)
    {
        using var text = new MemoryStream();
        foreach (var line in lines)
        {
            JsonSerializer.Serialize(text, line, Json);
            text.WriteByte((byte)'\n');
        }

        try
        {
            _file.Write(text.GetBuffer().AsSpan(0, (int)text.Length));
            _file.Flush(flushToDisk: true);
        }
        catch (IOException e)
        {
            _file.Dispose();
            throw new PkiException($"cannot write {_path}: {e.Message}; nothing more is issued or revoked until it is opened again", e);
        }
        catch (ObjectDisposedException e)
        {
            throw new PkiException($"{_path} is closed after a failed write; open the authority again", e);
        }
    }

    public void Dispose() => _file.Dispose();

    private static FileStream Open(string path, FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0 };
        if (mode == FileMode.CreateNew && !OperatingSystem.IsWindows()) options.UnixCreateMode = AtomicFile.Private;
        try
        {
            return new FileStream(path, options);
        }
        catch (FileNotFoundException e)
        {
            throw new PkiException($"{path} is missing: without it nobody knows what was issued and revoked; copy the whole directory again or restore it from a backup", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PkiException($"cannot open {path}: {e.Message}", e);
        }
    }

    private static List<LedgerLine> Read(string path, FileStream file)
    {
        var all = new byte[file.Length];
        file.ReadExactly(all);
        var lines = new List<LedgerLine>();
        var start = 0;
        while (start < all.Length)
        {
            var length = all.AsSpan(start).IndexOf((byte)'\n');
            var whole = length >= 0;
            var bytes = whole ? all.AsSpan(start, length) : all.AsSpan(start);
            if (TryParse(bytes, out var line)) lines.Add(line!);
            else if (whole) throw new PkiException($"{path}, line {lines.Count + 1}, cannot be read; restore it from a backup (a line never is changed or removed)");
            if (!whole) Mend(file, start, keep: line is not null);
            start += bytes.Length + 1;
        }

        file.Seek(0, SeekOrigin.End);
        return lines;
    }

    // The last line lacks its end: a torn write is cut off; a whole line (somebody's editor dropped the last newline) gets its newline.
    private static void Mend(FileStream file, int start, bool keep)
    {
        file.Seek(0, SeekOrigin.End);
        if (keep) file.WriteByte((byte)'\n');
        else file.SetLength(start);
        file.Flush(flushToDisk: true);
    }

    private static bool TryParse(ReadOnlySpan<byte> bytes, out LedgerLine? line)
    {
        line = null;
        try
        {
            line = JsonSerializer.Deserialize<LedgerLine>(bytes, Json);
            var complete = line is { Issuer.Length: > 0 } && line.Event switch
            {
                LedgerLine.Issued => line is { Serial: not null, Profile: not null, Name: not null, Thumbprint: not null, NotBefore: not null, NotAfter: not null },
                LedgerLine.Revoked => line is { Serial: not null, Reason: not null },
                LedgerLine.Released or LedgerLine.Retired => line.Serial is not null,
                LedgerLine.Crl => line.Number is not null,
                _ => false,
            };
            if (!complete) line = null;
        }
        catch (JsonException)
        {
            line = null;
        }

        return line is not null;
    }
}

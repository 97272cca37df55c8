using System.Buffers.Text;

namespace Signet.Proof;

/// <summary>Lines of a stream, each at most <see cref="ExportVerification.MaximumLine"/> long. The memory is valid until the next line.</summary>
internal sealed class ExportLines(Stream stream)
{
    private byte[] _buffer = new byte[128 * 1024];
    private int _start, _end;

    /// <summary>Bytes of the stream up to the end of the last line that was given.</summary>
    public long Position { get; private set; }

    /// <summary>False at the end. A last line without its newline was cut off and is not given.</summary>
    public bool TryRead(out ReadOnlyMemory<byte> line)
    {
        line = default;
        var searched = _start;
        while (true)
        {
            var newline = _buffer.AsSpan(searched, _end - searched).IndexOf((byte)'\n');
            if (newline >= 0)
            {
                line = _buffer.AsMemory(_start, searched + newline - _start);
                Position += searched + newline + 1 - _start;
                _start = searched + newline + 1;
                return true;
            }
            searched = _end;
            if (_start > 0)
            {
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                (searched, _end, _start) = (searched - _start, _end - _start, 0);
            }
            if (_end == _buffer.Length)
            {
                if (_buffer.Length >= ExportVerification.MaximumLine) return false;
                Array.Resize(ref _buffer, _buffer.Length * 2);
            }
            var read = stream.Read(_buffer, _end, _buffer.Length - _end);
            if (read == 0) return false;
            _end += read;
        }
    }
}

/// <summary>One entry's line: <c>{"body":{...},"mac":"...",["proof":[...],]"seq":N}</c>; the body is taken as the bytes that stand there.</summary>
internal readonly record struct ExportEntry(long Number, ReadOnlyMemory<byte> Body, ReadOnlyMemory<byte> Mac, IReadOnlyList<Digest> Proof)
{
    private static ReadOnlySpan<byte> Start => "{\"body\":"u8;
    private static ReadOnlySpan<byte> AfterBody => "},\"mac\":\""u8;

    public static bool Is(ReadOnlyMemory<byte> line) => line.Span.StartsWith(Start);

    /// <summary>Reads it strictly: these members in this order and nothing else, as the canonical form has them.</summary>
    /// <param name="line">Without its newline.</param>
    /// <param name="mac">32 bytes for the entry's HMAC: <see cref="Mac"/>.</param>
    /// <param name="entry">Its memory is the line's.</param>
    public static bool TryRead(ReadOnlyMemory<byte> line, Memory<byte> mac, out ExportEntry entry)
    {
        entry = default;
        // The last occurrence is the right one: nothing behind the body can hold it, whatever the details say.
        var end = line.Span.LastIndexOf(AfterBody);
        if (!Is(line) || end < Start.Length) return false;
        var rest = line.Span[(end + AfterBody.Length)..];
        if (!Hash(ref rest, out var hash)) return false;
        hash.CopyTo(mac.Span);
        IReadOnlyList<Digest> path = [];
        if (Skip(ref rest, ",\"proof\":["u8) && !Path(ref rest, out path)) return false;
        if (!Skip(ref rest, ",\"seq\":"u8) || !Utf8Parser.TryParse(rest, out long number, out var digits) || number < 1 || rest[0] is < (byte)'1' or > (byte)'9' || !rest[digits..].SequenceEqual("}"u8)) return false;
        entry = new ExportEntry(number, line[Start.Length..(end + 1)], mac, path);
        return true;
    }

    private static bool Path(scoped ref ReadOnlySpan<byte> rest, out IReadOnlyList<Digest> path)
    {
        path = [];
        if (Skip(ref rest, "]"u8)) return true;
        var hashes = new List<Digest>();
        do
        {
            if (hashes.Count > MerkleTree.MaximumProofLength || !Skip(ref rest, "\""u8) || !Hash(ref rest, out var hash)) return false;
            hashes.Add(hash);
        }
        while (Skip(ref rest, ","u8));
        path = hashes;
        return Skip(ref rest, "]"u8);
    }

    // A hash and the quote behind it.
    private static bool Hash(scoped ref ReadOnlySpan<byte> rest, out Digest hash)
    {
        hash = default;
        if (rest.Length <= Digest.Base64UrlLength || rest[Digest.Base64UrlLength] != (byte)'"' || !Digest.TryFromBase64Url(rest[..Digest.Base64UrlLength], out hash)) return false;
        rest = rest[(Digest.Base64UrlLength + 1)..];
        return true;
    }

    private static bool Skip(scoped ref ReadOnlySpan<byte> rest, scoped ReadOnlySpan<byte> text)
    {
        if (!rest.StartsWith(text)) return false;
        rest = rest[text.Length..];
        return true;
    }
}

/// <summary>Splits a range's lines into the two streams the verifier asks for: a checkpoint stands directly behind the last entry it covers.</summary>
internal sealed class ExportRows(ExportLines lines)
{
    private readonly Queue<(StoredCheckpoint Note, long Behind)> _notes = [];
    private readonly byte[] _mac = new byte[Digest.Size];
    private StoredEntry? _ahead;
    private bool _isAtEnd;

    /// <summary>What stopped the reading before its end; null when nothing did.</summary>
    public string? Damage { get; private set; }

    /// <summary>Bytes from where reading began up to the end of the last checkpoint's line that was given.</summary>
    public long BehindCheckpoint { get; private set; }

    public IEnumerable<StoredEntry> Entries()
    {
        while (true)
        {
            if (_ahead is null) Advance();
            if (_ahead is not { } row) yield break;
            _ahead = null;
            yield return row;
        }
    }

    /// <summary>Those behind the entries read so far: empty now does not mean empty later.</summary>
    public IEnumerable<StoredCheckpoint> Checkpoints() => new Notes(this);

    private void Advance()
    {
        while (!_isAtEnd && _ahead is null)
        {
            if (!lines.TryRead(out var line)) _isAtEnd = true;
            else if (ExportEntry.Is(line)) TakeEntry(line);
            else if (ExportVerification.TryObject(line, out var note)) _notes.Enqueue((new StoredCheckpoint(null, note["checkpoint"]?.ToString() ?? ""), lines.Position));
        }
    }

    private void TakeEntry(ReadOnlyMemory<byte> line)
    {
        if (ExportEntry.TryRead(line, _mac, out var entry)) _ahead = new StoredEntry(entry.Number, entry.Body, default, entry.Mac);
        else (_isAtEnd, Damage) = (true, "a line cannot be read");
    }

    // Not an iterator: one of those stays at its end for ever.
    private sealed class Notes(ExportRows rows) : IEnumerable<StoredCheckpoint>, IEnumerator<StoredCheckpoint>
    {
        public StoredCheckpoint Current { get; private set; }
        object System.Collections.IEnumerator.Current => Current;

        public bool MoveNext()
        {
            if (!rows._notes.TryDequeue(out var next)) return false;
            (Current, rows.BehindCheckpoint) = next;
            return true;
        }

        public IEnumerator<StoredCheckpoint> GetEnumerator() => this;
        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => this;
        public void Reset() => throw new NotSupportedException();
        public void Dispose() { }
    }
}

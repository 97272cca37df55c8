using System.Data.Common;
using Signet.Proof;
using Signet.Store;

namespace Signet.Audit;

/// <summary>
/// Which stretches of 256 entries a filter has to look at: a SQLite file <c>search.db</c> beside the log, whichever database holds the log. It is a derived view: made from the stored entries behind the writer's back,
/// never asked for a proof, checked against the entry at its end when it is opened, and made again when it is missing, damaged or another log's. What it names is read and compared entry by entry.
/// Contract
/// - <see cref="Extend"/> and <see cref="Forget"/> by one thread; <see cref="Connect"/> by any.
/// </summary>
internal sealed class SearchIndex : IAsyncDisposable
{
    public const string FileName = "search.db";

    /// <summary>Entries in a stretch. A guess: reading one costs under a millisecond, and a million entries are 4,000 stretches.</summary>
    public const int Stretch = 256;

    /// <summary>Entries in a sixteenth of a stretch: a value that is rare in it is looked for in the sixteenths where it stands.</summary>
    public const int Part = Stretch / 16;

    /// <summary>Every sixteenth.</summary>
    public const int AllParts = 0xffff;

    private static readonly IReadOnlyList<Migration> Migrations =
    [
        new(1, "stretches, members, texts", """
            CREATE TABLE state(id INTEGER PRIMARY KEY CHECK (id = 1), origin TEXT NOT NULL, stretches BIGINT NOT NULL, mac BLOB NOT NULL);
            CREATE TABLE spans(stretch INTEGER PRIMARY KEY, earliest BIGINT NOT NULL, latest BIGINT NOT NULL);
            CREATE TABLE texts(stretch INTEGER PRIMARY KEY, grams BLOB NOT NULL);
            CREATE TABLE members(token BIGINT NOT NULL, stretch BIGINT NOT NULL, PRIMARY KEY (token, stretch)) WITHOUT ROWID;
            """),
        new(2, "sixteenths, slices", """
            ALTER TABLE members ADD COLUMN parts BIGINT NOT NULL DEFAULT 65535;
            CREATE TABLE slices(block BIGINT NOT NULL, part BIGINT NOT NULL, bits BLOB NOT NULL, PRIMARY KEY (block, part));
            """),
    ];

    private readonly Database _database;
    private readonly SearchTokens _tokens = new();
    private readonly byte[][] _bodies = new byte[Stretch][];
    private long _stretches;

    private SearchIndex(Database database, long stretches) => (_database, _stretches) = (database, stretches);

    /// <summary>Entries that it knows: 1 to this number.</summary>
    public long Entries => Volatile.Read(ref _stretches) * Stretch;

    /// <summary>Opens the file, or makes a new one when what is there is not this log's.</summary>
    /// <exception cref="StoreException">It cannot be made.</exception>
    public static SearchIndex Open(string directory, string origin, DbConnection log, long size)
    {
        var path = Path.Combine(directory, FileName);
        for (var isNew = false; ; isNew = true)
        {
            try
            {
                var database = Database.OpenSqlite(path, Migrations, new DatabaseOptions { Durable = false });
                if (State(database, origin, log, size) is { } stretches) return new(database, stretches);
                database.DisposeAsync().AsTask().GetAwaiter().GetResult();
                if (isNew) throw new StoreException(StoreFailure.Corrupt, $"{path}: cannot be made anew.");
            }
            catch (Exception e) when (!isNew && StoreException.From(e, path) is { Failure: StoreFailure.Corrupt or StoreFailure.NotADatabase or StoreFailure.NewerSchema })
            {
                // a view, not evidence: away with it
            }
            foreach (var file in new[] { path, path + "-wal", path + "-shm" }) File.Delete(file);
        }
    }

    public DbConnection Connect() => _database.Open();

    /// <summary>Takes in full stretches behind its end, at most <paramref name="most"/>, in one transaction: from what the writer has just written, as far as that is at hand, else from the database. False when there was none.</summary>
    /// <exception cref="StoreException">It cannot be written.</exception>
    public bool Extend(DbConnection log, long size, int most, RecentEntries recent)
    {
        if (size - _stretches * Stretch < Stretch) return false;
        return ExtendFrom(recent, size, most) || ExtendFrom(log, size, most);
    }

    // Entries 1 to _stretches * Stretch are known or were taken out; retention takes out nothing that is newer than they, so here it need not be asked.
    private bool ExtendFrom(RecentEntries recent, long size, int most)
    {
        var first = _stretches;
        if (!recent.TryStretch(first, _bodies, out var mac)) return false;
        using var connection = _database.Open();
        using var writing = new SearchWriting(connection, _database.BeginWrite);
        var stretch = first;
        Digest last;
        do
        {
            last = mac;
            _tokens.Clear();
            for (var place = 0; place < Stretch; place++)
                if (EntryView.TryRead(_bodies[place], out var entry)) _tokens.Add(entry, place);
            writing.Add(stretch++, _tokens);
        }
        while (stretch - first < most && (stretch + 1) * Stretch <= size && recent.TryStretch(stretch, _bodies, out mac));
        Array.Clear(_bodies);
        writing.Commit(stretch, last.ToArray());
        Volatile.Write(ref _stretches, stretch);
        SliceOne(connection, stretch);
        return true;
    }

    private bool ExtendFrom(DbConnection log, long size, int most)
    {
        // What retention took out is not looked for.
        var kept = StoredRows.KeptFrom(log)?.Size ?? 0;
        var stretch = Math.Max(_stretches, kept / Stretch);
        if (size - stretch * Stretch < Stretch) return false;
        using var connection = _database.Open();
        using var writing = new SearchWriting(connection, _database.BeginWrite);
        _tokens.Clear();
        var (full, mac) = (0, Array.Empty<byte>());
        foreach (var row in StoredRows.Entries(log, stretch * Stretch))
        {
            if (row.Number > size || full == most) break;
            for (var at = (row.Number - 1) / Stretch; stretch < at; _tokens.Clear()) writing.Add(stretch++, _tokens);   // its last entry is missing: the verification says so, not this
            if (EntryView.TryRead(row.Body.Span, out var entry)) _tokens.Add(entry, (int)((row.Number - 1) % Stretch));
            if (row.Number % Stretch != 0) continue;
            writing.Add(stretch++, _tokens);
            _tokens.Clear();
            mac = row.Mac.ToArray();
            full++;
        }
        if (full == 0) return false;
        writing.Commit(stretch, mac);
        Volatile.Write(ref _stretches, stretch);
        SliceOne(connection, stretch);
        return true;
    }

    // One block a transaction: the work that it is, some 50 ms, comes once in 65,536 entries.
    private void SliceOne(DbConnection connection, long stretches)
    {
        using var oldest = connection.Command("SELECT MIN(stretch) FROM texts");
        if (oldest.ExecuteScalar() is not long first || (first / TextSlices.Block + 1) * TextSlices.Block > stretches) return;
        using var writing = new SearchWriting(connection, _database.BeginWrite);
        writing.Slice(first / TextSlices.Block);
        writing.Commit();
    }

    /// <summary>Lets go of stretches that retention has taken out whole.</summary>
    /// <exception cref="StoreException">It cannot be written.</exception>
    public void Forget(long retired)
    {
        using var connection = _database.Open();
        using var oldest = connection.Command("SELECT MIN(stretch) FROM spans");
        var stretch = retired / Stretch;
        if (oldest.ExecuteScalar() is not long first || first >= stretch) return;
        using var writing = new SearchWriting(connection, _database.BeginWrite);
        writing.Forget(stretch);
    }

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    // How many stretches the file knows of this log; null when it is another's, or of a history that was replaced.
    private static long? State(Database database, string origin, DbConnection log, long size)
    {
        using var connection = database.Open();
        using var command = connection.Command("SELECT origin, stretches, mac FROM state");
        using var reader = command.ExecuteReader();
        if (!reader.Read())
        {
            reader.Close();
            using var make = connection.Command("INSERT INTO state(id, origin, stretches, mac) VALUES (1, @origin, 0, @mac)").With("@origin", origin).With("@mac", Array.Empty<byte>());
            make.ExecuteNonQuery();
            return 0;
        }
        var (whose, stretches, mac) = (reader.GetString(0), reader.GetInt64(1), reader.Bytes(2));
        if (whose != origin || stretches * Stretch > size) return null;
        if (stretches * Stretch <= (StoredRows.KeptFrom(log)?.Size ?? 0)) return stretches;
        using var last = log.Command("SELECT mac FROM entries WHERE seq = @seq").With("@seq", stretches * Stretch);
        using var entry = last.ExecuteReader();
        return entry.Read() && mac.AsSpan().SequenceEqual(entry.Bytes(0)) ? stretches : null;
    }
}

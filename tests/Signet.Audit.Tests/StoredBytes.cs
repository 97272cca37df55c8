using System.Text;
using Signet.Proof;

namespace Signet.Audit.Tests;

/// <summary>Everything a log stores, in memory, so that thousands of changes can be tried in seconds.</summary>
internal sealed class StoredBytes
{
    public List<(long Number, byte[] Body, byte[] Prev, byte[] Mac)> Entries { get; private init; } = [];
    public List<(long Number, byte[] Note)> Checkpoints { get; private init; } = [];
    public (long Size, byte[] Link, byte[] Mac) Head { get; set; }
    public Dictionary<(int, long), byte[]> Nodes { get; private init; } = [];
    public string Origin { get; set; } = "";
    public string Trust { get; set; } = "";
    public string? Newest { get; set; }
    public byte[]? FirstKey { get; private init; }
    public byte[]? PresentKey { get; private init; }
    public long Epoch { get; private init; }

    public static StoredBytes Read(AuditHome home, bool withFirstKey)
    {
        var stored = new StoredBytes
        {
            Origin = home.Scalar<string>("SELECT origin FROM log"),
            Trust = File.ReadAllText(Path.Combine(home.Folder, "checkpoint.pub")),
            Newest = File.ReadAllText(Path.Combine(home.Folder, "checkpoint")),
            FirstKey = withFirstKey ? home.FirstKey : null,
            PresentKey = withFirstKey ? null : PresentKeyOf(home, out var epoch),
            Epoch = withFirstKey ? 0 : home.Scalar<long>("SELECT max(number) FROM checkpoints"),
        };
        using var connection = home.Connect();
        Each("SELECT seq, body, prev, mac FROM entries ORDER BY seq", r => stored.Entries.Add((r.GetInt64(0), (byte[])r[1], (byte[])r[2], (byte[])r[3])));
        Each("SELECT number, note FROM checkpoints ORDER BY number", r => stored.Checkpoints.Add((r.GetInt64(0), Encoding.UTF8.GetBytes(r.GetString(1)))));
        Each("SELECT size, link, mac FROM head", r => stored.Head = (r.GetInt64(0), (byte[])r[1], (byte[])r[2]));
        Each("SELECT level, idx, hash FROM nodes", r => stored.Nodes.Add(((int)r.GetInt64(0), r.GetInt64(1)), (byte[])r[2]));
        return stored;

        void Each(string sql, Action<System.Data.Common.DbDataReader> row)
        {
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            using var reader = command.ExecuteReader();
            while (reader.Read()) row(reader);
        }
    }

    public StoredBytes Copy() => new()
    {
        Entries = [.. Entries], Checkpoints = [.. Checkpoints], Head = Head, Nodes = new(Nodes), Origin = Origin, Trust = Trust, Newest = Newest,
        FirstKey = FirstKey, PresentKey = PresentKey, Epoch = Epoch,
    };

    public Fault? Verify()
    {
        CheckpointKey.TryReadPem(Trust, out var trust, out _).ShouldBeTrue();
        using var key = FirstKey is not null ? new ForwardKey(FirstKey, 0) : PresentKey is not null ? new ForwardKey(PresentKey, Epoch) : null;
        var log = new StoredLog
        {
            Entries = Entries.OrderBy(e => e.Number).Select(e => new StoredEntry(e.Number, e.Body, e.Prev, e.Mac)),
            Checkpoints = Checkpoints.OrderBy(c => c.Number).Select(c => new StoredCheckpoint(c.Number, Encoding.UTF8.GetString(c.Note))),
            Head = new StoredHead(Head.Size, Head.Link, Head.Mac),
            Node = (level, index) => Nodes.TryGetValue((level, index), out var hash) && Digest.TryFrom(hash, out var digest) ? digest : null,
            KeyEpoch = FirstKey is not null ? null : Epoch,
            Known = Newest is null ? [] : [Newest],
        };
        using var verifier = new LogVerifier(log, Origin, trust!, key);
        return verifier.Verify().Fault;
    }

    private static byte[] PresentKeyOf(AuditHome home, out long epoch)
    {
        epoch = home.Scalar<long>("SELECT max(number) FROM checkpoints");
        using var key = new ForwardKey(home.FirstKey, 0);
        while (key.Epoch < epoch) key.Advance();
        var bytes = new byte[ForwardKey.Size];
        key.CopyTo(bytes);
        return bytes;
    }
}

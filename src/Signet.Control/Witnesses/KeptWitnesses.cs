using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Dapper;
using Signet.Proof;
using Signet.Store;

namespace Signet.Control;

/// <summary>
/// What devices have cosigned, from files, for counting it without a running center: the stopped center's own rows, or the list of witnesses that every device home holds (<c>witnesses.json</c>) with notes that were kept elsewhere.
/// Give <see cref="Notes"/> to the verification as known: only a note that the rebuilt history contains may be counted.
/// </summary>
public sealed class KeptWitnesses
{
    private readonly Dictionary<string, List<byte[]>> _keys = new(StringComparer.Ordinal);
    private readonly List<(string? Device, string Note)> _notes = [];
    private readonly List<string> _alarms = [];
    private int? _quorum;

    /// <summary>Signed notes, with the cosignatures under them.</summary>
    public IReadOnlyList<string> Notes => [.. _notes.Select(kept => kept.Note).Distinct(StringComparer.Ordinal)];

    /// <summary>From the rows of a stopped center.</summary>
    /// <exception cref="StoreException">They cannot be read.</exception>
    public static KeptWitnesses Read(DatabaseSource control)
    {
        var database = Database.Open(control, Schema.Migrations, new DatabaseOptions { ReadOnly = true });
        try
        {
            var kept = new KeptWitnesses();
            using var connection = database.Open();
            foreach (var (device, der) in connection.Query<(string, string)>("SELECT device, der FROM device_certificate ORDER BY starts"))
            {
                using var certificate = X509CertificateLoader.LoadCertificate(Convert.FromBase64String(der));
                kept.Add(device, certificate.PublicKey.ExportSubjectPublicKeyInfo());
            }
            foreach (var record in WitnessStore.Load(connection))
            {
                if (record.Size > 0) kept._notes.Add((record.Device, record.Note));
                if (record.Alarm is not null) kept._alarms.Add(record.Device);
            }
            return kept;
        }
        finally
        {
            database.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    /// <summary>From the bytes of a <c>witnesses.json</c>; false when they are something else.</summary>
    public static bool TryRead(ReadOnlySpan<byte> list, out KeptWitnesses kept)
    {
        kept = new();
        try
        {
            var reader = new Utf8JsonReader(list, new JsonReaderOptions { MaxDepth = 4 });
            using var document = JsonDocument.ParseValue(ref reader);
            foreach (var witness in document.RootElement.GetProperty("witnesses").EnumerateArray()) kept.Add(witness.GetProperty("name").GetString() ?? "", witness.GetProperty("key").GetBytesFromBase64());
            kept._quorum = document.RootElement.GetProperty("quorum").GetInt32();
            return kept._keys.Count > 0 && kept._quorum > 0;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or FormatException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>A note that was kept elsewhere: what stands under it counts as well.</summary>
    public void Add(string note) => _notes.Add((null, note));

    /// <summary>Counts what stands under the notes that the verified history contains.</summary>
    /// <param name="quorum">Witnesses that must agree; null: the list's own number, or more than half of those that have cosigned anything.</param>
    /// <param name="first">Entries before the verified ones: smaller notes were not compared.</param>
    /// <param name="last">Entries up to which the history was verified.</param>
    public WitnessCount Count(int? quorum, long first, long last)
    {
        var (sizes, strangers) = (new Dictionary<string, long>(StringComparer.Ordinal), new SortedSet<string>(StringComparer.Ordinal));
        foreach (var (device, note) in _notes)
        {
            if (!Checkpoint.TryParse(note, out var checkpoint, out _)) continue;
            var lines = note[(checkpoint.Text.Length + 1)..].Split('\n', StringSplitOptions.RemoveEmptyEntries);
            var names = _keys.Where(keys => keys.Value.Any(key => Cosignature.Verified(checkpoint, lines, new Dictionary<string, byte[]>(StringComparer.Ordinal) { [keys.Key] = key }).Count == 1)).Select(keys => keys.Key).ToList();
            if (device is not null && !names.Contains(device, StringComparer.Ordinal)) strangers.Add(device);
            if (checkpoint.Size < first || checkpoint.Size > last) continue;
            foreach (var name in names) sizes[name] = Math.Max(sizes.GetValueOrDefault(name), checkpoint.Size);
        }
        var needed = Math.Max(1, quorum ?? _quorum ?? sizes.Count / 2 + 1);
        var ordered = sizes.Values.OrderDescending().ToList();
        var confirmed = ordered.Count >= needed ? ordered[needed - 1] : 0;
        return new(needed, _quorum is null ? sizes.Count : _keys.Count, confirmed, [.. sizes.Where(size => confirmed > 0 && size.Value >= confirmed).Select(size => size.Key).Order(StringComparer.Ordinal)], [.. strangers], _alarms);
    }

    private void Add(string device, byte[] key)
    {
        if (!_keys.TryGetValue(device, out var keys)) _keys[device] = keys = [];
        keys.Add(key);
    }
}

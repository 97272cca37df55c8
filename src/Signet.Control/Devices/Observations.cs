using System.Data.Common;
using Dapper;
using Microsoft.Extensions.Logging;
using Signet.Store;

namespace Signet.Control;

/// <summary>
/// What the fleet says all the time: readings, presence, telemetry windows. Gathered in memory and written together every
/// <see cref="ControlLimits.TelemetryFlush"/>, because nobody waits for a single reading; a crash loses at most that much. A disk that takes nothing delays them.
/// </summary>
internal sealed class Observations : IAsyncDisposable
{
    private readonly ControlDatabase _database;
    private readonly Roster _roster;
    private readonly TimeProvider _time;
    private readonly TimeSpan _retention;
    private readonly ILogger _logger;
    private readonly Lock _one = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private Queue<ReadingRow> _readings = [], _writing = [];

    public Observations(ControlDatabase database, Roster roster, TimeProvider time, TimeSpan retention, ILogger logger)
    {
        (_database, _roster, _time, _retention, _logger) = (database, roster, time, retention, logger);
        _loop = Task.Run(LoopAsync);
    }

    /// <summary>May readings be removed for their age? Not while the clock is in doubt.</summary>
    public Func<bool> MayForget { get; set; } = () => true;

    public void Add(Reading reading, long epoch, long sequence)
    {
        lock (_one)
        {
            if (_readings.Count >= ControlLimits.TelemetryHeld) _readings.Dequeue();
            _readings.Enqueue(new(reading.Device, reading.Name, reading.At.ToUnixTimeMilliseconds(), epoch, sequence, reading.Value, reading.Number, reading.Unit));
        }
    }

    public IReadOnlyList<Reading> Latest(string device)
    {
        var held = Held(r => r.Device == device);
        var kept = _database.Read<IReadOnlyList<ReadingRow>>(c => [.. c.Query<ReadingRow>($"""
            SELECT {Columns} FROM reading r
            WHERE r.device = @device AND r.at = (SELECT max(n.at) FROM reading n WHERE n.device = r.device AND n.name = r.name)
            """, new { device })]);
        return [.. InOrder(kept, held).GroupBy(r => r.Name, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => g.Last().ToReading())];
    }

    public IReadOnlyList<Reading> Range(string device, string name, DateTimeOffset from, DateTimeOffset to)
    {
        var (first, last) = (from.ToUnixTimeMilliseconds(), to.ToUnixTimeMilliseconds());
        var held = Held(r => r.Device == device && r.Name == name && r.At >= first && r.At <= last);
        var kept = _database.Read<IReadOnlyList<ReadingRow>>(c => [.. c.Query<ReadingRow>($"""
            SELECT {Columns} FROM reading r WHERE r.device = @device AND r.name = @name AND r.at >= @first AND r.at <= @last
            ORDER BY r.at DESC, r.epoch DESC, r.sequence DESC LIMIT @limit
            """, new { device, name, first, last, limit = ControlLimits.ReadingsPerQuery })]);
        return [.. InOrder(kept, held).TakeLast(ControlLimits.ReadingsPerQuery).Select(r => r.ToReading())];
    }

    // What is not written yet, and what is being written: asked for before the database is read, so that nothing is in neither. Who was told of a reading and asks for it at once must find it.
    private IReadOnlyList<ReadingRow> Held(Func<ReadingRow, bool> fits)
    {
        lock (_one) return [.. _writing.Concat(_readings).Where(fits)];
    }

    private static IEnumerable<ReadingRow> InOrder(IReadOnlyList<ReadingRow> kept, IReadOnlyList<ReadingRow> held)
        => kept.Concat(held).DistinctBy(r => (r.Name, r.At, r.Epoch, r.Sequence)).OrderBy(r => r.At).ThenBy(r => r.Epoch).ThenBy(r => r.Sequence);

    /// <summary>Writes what is left.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
        await FlushAsync();
    }

    private async Task LoopAsync()
    {
        var swept = _time.GetTimestamp();
        using var timer = new PeriodicTimer(ControlLimits.TelemetryFlush, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                await FlushAsync();
                if (_time.GetElapsedTime(swept) < ControlLimits.TelemetrySweep) continue;
                swept = _time.GetTimestamp();
                if (!MayForget()) continue;
                var oldest = (_time.GetUtcNow() - _retention).ToUnixTimeMilliseconds();
                await WriteAsync(c => c.Execute("DELETE FROM reading WHERE at < @oldest", new { oldest }));
            }
        }
        catch (OperationCanceledException)
        {
            // The last flush follows in DisposeAsync.
        }
    }

    private async Task FlushAsync()
    {
        Queue<ReadingRow> readings;
        lock (_one) (readings, _writing, _readings) = (_readings, _readings, []);
        var presences = _roster.TakeDirty(PresenceRow.Of);
        if (readings.Count == 0 && presences.Count == 0) return;
        var isWritten = await WriteAsync(c => Write(c, readings, presences));
        lock (_one)
        {
            _writing = [];
            if (isWritten) return;
            // Back in front of what came meanwhile; the oldest go when there is no room.
            foreach (var newer in _readings) readings.Enqueue(newer);
            while (readings.Count > ControlLimits.TelemetryHeld) readings.Dequeue();
            _readings = readings;
        }

        foreach (var presence in presences) _roster.With(presence.Name, m => m.IsDirty = true);
    }

    private async Task<bool> WriteAsync(Action<DbConnection> work)
    {
        try
        {
            await _database.WriteAsync(work);
            return true;
        }
        catch (Exception e) when (e is StoreException or DbException)
        {
            Log.ReadingsHeld(_logger, e.Message);
            return false;
        }
    }

    private static void Write(DbConnection connection, IEnumerable<ReadingRow> readings, IEnumerable<PresenceRow> presences)
    {
        // (epoch, sequence) is in the key: a reading that was written before a crash and comes again changes nothing.
        connection.Execute("""
            INSERT INTO reading (device, name, at, epoch, sequence, value, number, unit) VALUES (@Device, @Name, @At, @Epoch, @Sequence, @Value, @Number, @Unit)
            ON CONFLICT DO NOTHING
            """, readings);
        // Each kind as one statement with many rows: read by the database once, not once for each device.
        FleetStore.SavePresences(connection, presences);
        FleetStore.SaveWindows(connection, "telemetry", presences.Select(presence => (presence.Name, presence.Telemetry)));
    }

    private const string Columns = "r.device AS Device, r.name AS Name, r.at AS At, r.epoch AS Epoch, r.sequence AS Sequence, r.value AS Value, r.number AS Number, r.unit AS Unit";

    private sealed record ReadingRow(string Device, string Name, long At, long Epoch, long Sequence, string Value, double? Number, string? Unit)
    {
        public Reading ToReading() => new(Device, Name, At.ToTime(), Value, Number, Unit);
    }
}

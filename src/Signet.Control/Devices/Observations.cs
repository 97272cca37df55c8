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
    private Queue<ReadingRow> _readings = [];

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

    public IReadOnlyList<Reading> Latest(string device) => _database.Read<IReadOnlyList<Reading>>(c => [.. c.Query<ReadingRow>($"""
        SELECT {Columns} FROM reading r
        WHERE r.device = @device AND r.at = (SELECT max(n.at) FROM reading n WHERE n.device = r.device AND n.name = r.name)
        ORDER BY r.name, r.epoch, r.sequence
        """, new { device }).GroupBy(r => r.Name, StringComparer.Ordinal).Select(g => g.Last().ToReading())]);

    public IReadOnlyList<Reading> Range(string device, string name, DateTimeOffset from, DateTimeOffset to) => _database.Read<IReadOnlyList<Reading>>(c => [.. c.Query<ReadingRow>($"""
        SELECT {Columns} FROM reading r WHERE r.device = @device AND r.name = @name AND r.at >= @from AND r.at <= @to
        ORDER BY r.at DESC, r.epoch DESC, r.sequence DESC LIMIT @limit
        """, new { device, name, from = from.ToUnixTimeMilliseconds(), to = to.ToUnixTimeMilliseconds(), limit = ControlLimits.ReadingsPerQuery }).Reverse().Select(r => r.ToReading())]);

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
        lock (_one) (readings, _readings) = (_readings, []);
        var presences = _roster.TakeDirty(PresenceRow.Of);
        if (readings.Count == 0 && presences.Count == 0) return;
        if (await WriteAsync(c => Write(c, readings, presences))) return;
        lock (_one)
        {
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
        catch (StoreException e)
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
        foreach (var presence in presences)
        {
            FleetStore.SavePresence(connection, presence);
            FleetStore.SaveWindow(connection, presence.Name, "telemetry", presence.Telemetry);
        }
    }

    private const string Columns = "r.device AS Device, r.name AS Name, r.at AS At, r.epoch AS Epoch, r.sequence AS Sequence, r.value AS Value, r.number AS Number, r.unit AS Unit";

    private sealed record ReadingRow(string Device, string Name, long At, long Epoch, long Sequence, string Value, double? Number, string? Unit)
    {
        public Reading ToReading() => new(Device, Name, At.ToTime(), Value, Number, Unit);
    }
}

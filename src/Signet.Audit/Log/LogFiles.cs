using System.Security.Cryptography;
using Signet.Proof;
using Signet.Store;

namespace Signet.Audit;

/// <summary>Finds or makes the files of a log. A log exists from the commit that writes its name; whatever a crash left before that is made again.</summary>
internal static class LogFiles
{
    public static AuditLog Open(AuditOptions options, RandomNumberGenerator random, Func<Database, LogKeys, string, AuditLog> make)
    {
        var source = options.Database ?? DatabaseSource.Sqlite(Path.Combine(options.Directory, AuditSchema.FileName));
        if (source.Path is { } path && !File.Exists(path)) RequireUnusedKeys(options.Directory, $"{path} is missing");
        var database = Database.Open(source, AuditSchema.Migrations, new DatabaseOptions { OverwriteDeleted = true });
        try
        {
            return Open(options, random, database, make);
        }
        catch
        {
            database.DisposeAsync().AsTask().GetAwaiter().GetResult();   // gives the writer's lock free
            throw;
        }
    }

    private static AuditLog Open(AuditOptions options, RandomNumberGenerator random, Database database, Func<Database, LogKeys, string, AuditLog> make)
    {
        using var connection = database.Open();
        var origin = StoredRows.Origin(connection);
        if (origin is not null) return make(database, LogKeys.Open(options.Directory), origin);
        RequireUnusedKeys(options.Directory, $"{database.Name} holds no log");

        var keys = LogKeys.Create(options, random);
        // crash here: keys without a log; the next opening makes new ones
        using var begin = connection.Command(database.BeginWrite);
        begin.ExecuteNonQuery();
        using var name = connection.Command("INSERT INTO log(id, origin) VALUES (1, @origin)").With("@origin", keys.Origin);
        name.ExecuteNonQuery();
        var start = Chain.Start(keys.Origin);
        using var head = connection.Command("INSERT INTO head(id, size, link, mac) VALUES (1, 0, @link, @mac)").With("@link", start.ToArray()).With("@mac", keys.Hmac.MacOfHead(0, start).ToArray());
        head.ExecuteNonQuery();
        using var commit = connection.Command("COMMIT");
        commit.ExecuteNonQuery();
        return make(database, keys, keys.Origin);
    }

    // A missing database beside keys that have moved on is not a new log.
    private static void RequireUnusedKeys(string directory, string missing)
    {
        using var slots = KeySlots.TryOpen(directory, readOnly: true, out var key);
        var epoch = key?.Epoch ?? 0;
        key?.Dispose();
        if (epoch == 0 && LogKeys.ReadNewest(directory) is null) return;
        throw new AuditTamperedException(new AuditVerdict(new Fault(FaultKind.RolledBack, 1, 1, $"{missing}, and the keys beside it have been used"), 0, 0, null, []));
    }
}

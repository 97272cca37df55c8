using System.Security.Cryptography;
using Signet.Proof;
using Signet.Store;

namespace Signet.Audit;

/// <summary>Finds or makes the files of a log. A log exists from the commit that writes its name; whatever a crash left before that is made again.</summary>
internal static class LogFiles
{
    public static AuditLog Open(AuditOptions options, RandomNumberGenerator random, Func<Database, LogKeys, string, AuditLog> make)
    {
        var path = Path.Combine(options.Directory, AuditSchema.FileName);
        RequireDatabase(options.Directory, path);
        var database = Database.OpenSqlite(path, AuditSchema.Migrations, new DatabaseOptions { OverwriteDeleted = true });
        using var connection = database.Open();
        var origin = StoredRows.Origin(connection);
        if (origin is not null) return make(database, LogKeys.Open(options.Directory), origin);

        var keys = LogKeys.Create(options, random);
        // crash here: keys without a log; the next opening makes new ones
        using var begin = connection.Command("BEGIN IMMEDIATE");
        begin.ExecuteNonQuery();
        using var name = connection.Command("INSERT INTO log(id, origin) VALUES (1, $origin)").With("$origin", keys.Origin);
        name.ExecuteNonQuery();
        var start = Chain.Start(keys.Origin);
        using var head = connection.Command("INSERT INTO head(id, size, link, mac) VALUES (1, 0, $link, $mac)").With("$link", start.ToArray()).With("$mac", keys.Hmac.MacOfHead(0, start).ToArray());
        head.ExecuteNonQuery();
        using var commit = connection.Command("COMMIT");
        commit.ExecuteNonQuery();
        return make(database, keys, keys.Origin);
    }

    // A missing database beside keys that have moved on is not a new log.
    private static void RequireDatabase(string directory, string path)
    {
        if (File.Exists(path)) return;
        using var slots = KeySlots.TryOpen(directory, readOnly: true, out var key);
        var epoch = key?.Epoch ?? 0;
        key?.Dispose();
        if (epoch == 0 && LogKeys.ReadNewest(directory) is null) return;
        throw new AuditTamperedException(new AuditVerdict(new Fault(FaultKind.RolledBack, 1, 1, $"{path} is missing, and the keys beside it have been used"), 0, 0, null, []));
    }
}

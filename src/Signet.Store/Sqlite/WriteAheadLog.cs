using Microsoft.Data.Sqlite;

namespace Signet.Store;

/// <summary>Deleted content can stand in SQLite's write-ahead log until it is written over, whatever secure_delete does in the file.</summary>
public static class WriteAheadLog
{
    /// <summary>Folds the write-ahead log into the file and empties it. Does nothing for another kind of database, and not all of it while a reader is at work: the next call does the rest.</summary>
    public static void Fold(Database database)
    {
        using var connection = database.Open();
        if (connection is not SqliteConnection) return;
        using var fold = connection.CreateCommand();
        fold.CommandText = "PRAGMA wal_checkpoint(TRUNCATE)";
        fold.ExecuteNonQuery();
    }
}

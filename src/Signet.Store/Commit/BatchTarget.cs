using System.Data.Common;

namespace Signet.Store;

/// <summary>
/// What a <see cref="GroupCommitWriter{T}"/> does with its rows. All calls come one after the other, never at the same time, in this order:
/// <see cref="Opened"/>, then for each batch <see cref="Write"/> and, when the batch is on the disk, <see cref="Committed"/>.
/// After a failure the connection is given up and <see cref="Opened"/> comes again with a new one: state kept beside the database must be read anew there.
/// </summary>
public abstract class BatchTarget<T>
{
    /// <summary>A new connection: prepare statements, read what the next rows build on. No transaction is open.</summary>
    public virtual void Opened(DbConnection connection) { }

    /// <summary>The connection is about to be closed: let go of what hangs on it. Also after a failure.</summary>
    public virtual void Closing() { }

    /// <summary>
    /// Asked when a batch has been written and its commit begins: whether rows of the next batch may be made ready meanwhile (<see cref="Prepare"/>), which builds on rows that are not durable yet.
    /// When that commit fails, <see cref="Opened"/> comes, and what was prepared is void.
    /// </summary>
    public virtual bool CanPrepare => false;

    /// <summary>
    /// Makes ready a row of the next batch, while the commit of this one runs on another thread: no word to the database. The rows come in their order; the next <see cref="Write"/> begins with them and may go on with others.
    /// </summary>
    public virtual void Prepare(T row) { }

    /// <summary>Writes the rows inside the open transaction. Throwing rolls back the whole batch.</summary>
    public abstract void Write(DbConnection connection, IReadOnlyList<T> rows);

    /// <summary>The rows are durable and not yet acknowledged. Must not throw: an exception here stops the writer for good.</summary>
    public virtual void Committed(IReadOnlyList<T> rows) { }
}

namespace Signet.Control;

/// <summary>Commands from wish to signed receipt.</summary>
public sealed class Commands
{
    internal Commands() { }

    /// <summary>Authorises, signs, records and publishes. Returns when the broker has answered; the receipt comes later (<see cref="WaitAsync"/>).</summary>
    public Task<Outcome<CommandView>> SendAsync(CommandDraft draft, Actor actor, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    /// <summary>The command as soon as it is settled, or as it stands after the time-out. Null: no such command.</summary>
    public Task<CommandView?> WaitAsync(string id, TimeSpan timeout, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    public Task<CommandView?> FindAsync(string id, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    public Task<CommandPage> ListAsync(CommandFilter filter, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    /// <summary>Everything somebody else needs to check the command and its receipt offline.</summary>
    public Task<Outcome<ReceiptFile>> ExportReceiptAsync(string id, Actor actor, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");
}

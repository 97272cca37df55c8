namespace Signet.Control;

/// <summary>The devices: who they are, what they may be told, whether they are there, and what they measured.</summary>
public sealed class Fleet
{
    internal Fleet() { }

    /// <summary>All devices by name, with their presence.</summary>
    public IReadOnlyList<DeviceRecord> List() => throw new NotSupportedException("lands next");

    public DeviceRecord? Find(string name) => throw new NotSupportedException("lands next");

    /// <summary>Makes certificate, key (0600) and <c>device/NAME/</c>, from which <c>signet device run NAME</c> starts.</summary>
    public Task<Outcome<DeviceRecord>> AddAsync(NewDevice device, Actor actor, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    /// <summary>Revokes its certificates, cuts its sessions and forgets it. Its commands, receipts and audit entries stay.</summary>
    public Task<Outcome<DeviceRecord>> RemoveAsync(string name, Actor actor, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    /// <summary>Disabling cuts live sessions at once; enabling lets the same certificate in again.</summary>
    public Task<Outcome<DeviceRecord>> SetEnabledAsync(string name, bool enabled, Actor actor, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    /// <summary>Replaces the list of commands the center sends. The device keeps a list of its own.</summary>
    public Task<Outcome<DeviceRecord>> SetAllowedCommandsAsync(string name, IReadOnlyList<string> commands, Actor actor, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    /// <summary>The newest reading of each quantity.</summary>
    public Task<IReadOnlyList<Reading>> LatestReadingsAsync(string device, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    /// <summary>Readings of one quantity, oldest first, at most <see cref="ControlLimits.ReadingsPerQuery"/> (the newest of the range).</summary>
    public Task<IReadOnlyList<Reading>> ReadingsAsync(string device, string name, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    /// <summary>A device came, went, was added, changed or removed. Raised after the fact, from any thread; do not block.</summary>
    public event Action<DeviceRecord>? Changed { add { } remove { } }
}

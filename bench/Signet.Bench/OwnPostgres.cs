using Signet.Store;
using Signet.Testing;

namespace Signet.Bench;

/// <summary>
/// The PostgreSQL of a measurement: the one that <c>--postgres CONNECTION</c> names (an empty database), or, without a connection, a PostgreSQL 15 of this process alone with <c>fsync</c> on, over a Unix socket,
/// which goes when the process ends.
/// </summary>
internal sealed class OwnPostgres : IAsyncDisposable
{
    private readonly PostgresServer? _server;

    private OwnPostgres(PostgresServer? server, PostgresAddress address) => (_server, Address) = (server, address);

    public PostgresAddress Address { get; }

    public static async Task<OwnPostgres> ForAsync(Arguments args)
    {
        if (args.Text("postgres") is { Length: > 0 } connection) return new(null, PostgresAddress.Parse(connection));
        var server = await PostgresServer.StartAsync(["fsync = on", "shared_buffers = 128MB"]);   // the last line of a setting counts; 128 MB is PostgreSQL's default
        return new(server, PostgresAddress.Parse(server.NewDatabase()));
    }

    public ValueTask DisposeAsync() => _server?.DisposeAsync() ?? ValueTask.CompletedTask;
}

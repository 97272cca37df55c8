using System.Data.Common;
using Signet.Testing;

namespace Signet.Store.Tests;

/// <summary>What only a server can do to us: a second center, a server that goes away, another program's tables, a way that others can listen on.</summary>
[Trait(TestDatabase.Trait, TestDatabase.SqliteOnly)]   // in the first round: it names its servers itself
public sealed class PostgresSpecs : IAsyncLifetime
{
    private static readonly Migration First = new(1, "things", "CREATE TABLE things(id INTEGER PRIMARY KEY, name TEXT UNIQUE, body BLOB)");
    private PostgresServer _server = null!;
    private string _connection = "";

    public async ValueTask InitializeAsync()
    {
        _server = await PostgresServer.SharedAsync();
        _connection = _server.NewDatabase();
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private DatabaseSource Source => DatabaseSource.Postgres(PostgresAddress.Parse(_connection), "test");

    private static readonly DatabaseOptions Impatient = new() { BusyTimeout = TimeSpan.FromMilliseconds(100) };

    [Fact]
    public async Task A_second_center_on_one_database_is_refused_and_told_who_has_it()
    {
        var first = Database.Open(Source, [First]);
        await using var writer = new GroupCommitWriter<int>(first, (_, _) => { });
        await writer.WriteAsync(1);
        var refused = Should.Throw<StoreException>(() => Database.Open(Source, [First, new(2, "newer", "CREATE TABLE newer(id BIGINT)")], Impatient));
        refused.Failure.ShouldBe(StoreFailure.Locked);
        refused.Message.ShouldContain("another command center uses this database");
        refused.Message.ShouldContain($"signet {Environment.MachineName} {Environment.ProcessId}");

        // And it migrated nothing under the first one's feet.
        Database.Inspect(Source, [First]).Version.ShouldBe(1);
        await writer.DisposeAsync();
        await first.DisposeAsync();
        await using var second = Database.Open(Source, [First]);
    }

    [Fact]
    public async Task What_an_opening_would_do_is_shown_and_not_done()
    {
        Migration second = new(2, "more", "CREATE TABLE more(id INTEGER)");
        Database.Inspect(Source, [First, second]).ShouldSatisfyAllConditions(s => s.Version.ShouldBe(0), s => s.Pending.ShouldBe([First, second]));
        await using (Database.Open(Source, [First])) { }
        Database.Inspect(Source, [First, second]).ShouldSatisfyAllConditions(s => s.Version.ShouldBe(1), s => s.Pending.ShouldBe([second]));
        Should.Throw<StoreException>(() => Database.Open(Source, [First, second], new() { ReadOnly = true })).Message.ShouldContain("schema 1 is older than 2");
        Database.Inspect(Source, [First]).Version.ShouldBe(1);
    }

    [Fact]
    public void Tables_of_another_program_are_left_alone()
    {
        _server.Execute(new Npgsql.NpgsqlConnectionStringBuilder(_connection).Database!, "CREATE SCHEMA test; CREATE TABLE test.theirs(id INT)");
        Should.Throw<StoreException>(() => Database.Open(Source, [First])).Message.ShouldContain("holds tables of another program");
    }

    [Fact]
    public async Task A_server_that_goes_away_is_named_and_the_writer_recovers_by_itself()
    {
        await using var server = await PostgresServer.StartAsync();
        var connection = server.NewDatabase();
        await using var database = Database.Open(DatabaseSource.Postgres(PostgresAddress.Parse(connection), "test"), [First]);
        await using var writer = new GroupCommitWriter<long>(database, (c, rows) =>
        {
            foreach (var row in rows) Run(c, $"INSERT INTO things(id, name) VALUES ({row}, 'n{row}')");
        });
        await writer.WriteAsync(1);
        await server.StopAsync();
        (await Should.ThrowAsync<StoreException>(async () => await writer.WriteAsync(2))).Failure.ShouldBe(StoreFailure.Unavailable);
        (await Should.ThrowAsync<StoreException>(async () => await writer.WriteAsync(3))).Message.ShouldContain("not reachable");
        await server.ResumeAsync();
        await writer.WriteAsync(4);   // nobody restarted anything
        await server.StopAsync();
        await server.ResumeAsync();
        await writer.WriteAsync(5);   // an outage while nothing was written is not even noticed
        Npgsql.NpgsqlConnection.ClearAllPools();
        using var reader = database.Open();
        Run(reader, "SELECT string_agg(id::text, ',' ORDER BY id) FROM things").ShouldBe("1,4,5");
    }

    [Fact]
    public async Task A_read_only_server_a_missing_database_and_a_wrong_user_are_told_apart()
    {
        await using (Database.Open(Source, [First])) { }
        var name = new Npgsql.NpgsqlConnectionStringBuilder(_connection).Database!;
        _server.Execute("postgres", $"ALTER DATABASE {name} SET default_transaction_read_only = on");
        var refused = Should.Throw<StoreException>(() => Database.Open(Source, [First]));
        refused.Failure.ShouldBe(StoreFailure.ReadOnly);
        refused.Message.ShouldContain("Name the primary server");

        Should.Throw<StoreException>(() => Database.Open(DatabaseSource.Postgres(PostgresAddress.Parse(_server.ConnectionString("nowhere")), "test"), [First])).Message.ShouldContain("there is no such database");
        Should.Throw<StoreException>(() => Database.Open(DatabaseSource.Postgres(PostgresAddress.Parse(_server.ConnectionString("postgres").Replace("=signet", "=nobody")), "test"), [First])).Message.ShouldContain("the server refuses the user");
    }

    [Theory]
    [InlineData("Host=db.example;Database=signet", "db.example is another machine")]
    [InlineData("Host=db.example;Database=signet;SSL Mode=Require", "db.example is another machine")]
    [InlineData("Host=db.example;Database=signet;SSL Mode=VerifyFull;SSL Key=/etc/hostname", "can be read by others; run: chmod 600 /etc/hostname")]
    [InlineData("Host=a,b;Database=signet", "more than one Host")]
    [InlineData("Database=signet", "names no Host")]
    [InlineData("Host=localhost", "names no Database")]
    [InlineData("Host=localhost;Colour=blue;Password=topsecret", "cannot be read")]
    public void A_connection_that_would_not_be_safe_or_whole_is_refused_before_anything_is_sent(string text, string why)
    {
        var refused = Should.Throw<StoreException>(() => PostgresAddress.Parse(text));
        refused.Message.ShouldContain(why);
        refused.Message.ShouldNotContain("topsecret");
    }

    [Fact]
    public async Task Over_TLS_both_sides_show_certificates_and_a_stranger_is_refused_on_either_side()
    {
        using var temp = new TempDirectory();
        await MakeCertificatesAsync(temp.Path);
        await using var server = await PostgresServer.StartAsync(
            ["ssl = on", "ssl_cert_file = 'server.crt'", "ssl_key_file = 'server.key'", "ssl_ca_file = 'ca.crt'", "ssl_min_protocol_version = 'TLSv1.3'"],
            data =>
            {
                foreach (var file in new[] { "server.crt", "server.key", "ca.crt" }) File.Copy(temp.File(file), Path.Combine(data, file));
                File.SetUnixFileMode(Path.Combine(data, "server.key"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
                File.WriteAllText(Path.Combine(data, "pg_hba.conf"), "local all all trust\nhostssl all all 127.0.0.1/32 cert\n");
            });
        server.Execute("postgres", "CREATE DATABASE signet TEMPLATE template0 ENCODING 'UTF8'");
        string Way(string ca, string client) =>
            $"Host=localhost;Port={server.Port};Database=signet;Username=signet;SSL Mode=VerifyFull;Root Certificate={temp.File(ca)}" + (client.Length == 0 ? "" : $";SSL Certificate={temp.File(client)}.crt;SSL Key={temp.File(client)}.key");

        await using (var database = Database.Open(DatabaseSource.Postgres(PostgresAddress.Parse(Way("ca.crt", "client")), "test"), [First]))
        {
            using var reader = database.Open();
            Run(reader, "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()").ShouldBe("TLSv1.3");
        }

        Refusal(Way("ca.crt", "")).ShouldContain("refuses the user");
        Refusal(Way("ca.crt", "stranger")).ShouldMatch("TLS connection is refused|refuses the user|not reachable");
        Refusal(Way("other.crt", "client")).ShouldContain("the TLS connection is refused");

        static string Refusal(string way) => Should.Throw<StoreException>(() => Database.Open(DatabaseSource.Postgres(PostgresAddress.Parse(way), "test"), [First])).Message;
    }

    private static async Task MakeCertificatesAsync(string folder)
    {
        var script = """
            set -e
            for ca in ca other; do openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $ca.key -out $ca.crt -days 2 -subj /CN=$ca; done
            issue() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key -out $1.csr -subj /CN=$2; printf 'subjectAltName=DNS:%s' $2 > $1.ext; openssl x509 -req -in $1.csr -CA $3.crt -CAkey $3.key -CAcreateserial -days 2 -extfile $1.ext -out $1.crt; chmod 600 $1.key; }
            issue server localhost ca; issue client signet ca; issue stranger signet other
            """;
        var made = await BoundedProcess.RunAsync("/bin/bash", ["-c", script], directory: folder);
        made.ExitCode.ShouldBe(0, made.Errors);
    }

    private static object? Run(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}

using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Control;
using Signet.Pki;

namespace Signet.Cli.Verbs;

/// <summary>Devices that log in with name, one-time code and password: <c>device add --totp</c> and <c>device import</c>.</summary>
internal static class TotpDevices
{
    public static readonly Option<bool> Totp = new("--totp") { Description = "A device without certificate: it logs in with name|CODE and a password; its secret is shown this once" };
    public static readonly Option<bool> PasswordStdin = new("--password-stdin") { Description = "Read the password from standard input (with --totp)" };
    public static readonly Option<string?> Password = new("--password") { Description = "The password; it can be seen in the process list, --password-stdin cannot", HelpName = "P" };
    public static readonly Option<bool> Reconnects = new("--reconnects") { Description = "The same client may come back with its code within the 30 s step (with --totp)" };
    public static readonly Option<string[]> Groups = new("--totp-group") { Description = "A group of the access policy (may be repeated; default: metrics)", HelpName = "GROUP" };

    public static async Task<ExitCode> AddAsync(string name, ParseResult parsed, Printer printer, CancellationToken cancellation)
    {
        var password = await PasswordAsync(parsed, printer, cancellation);
        using var center = CenterClient.Connect(parsed);
        var body = new JsonObject { ["name"] = name, ["password"] = password, ["reconnects"] = parsed.GetValue(Reconnects) };
        if (parsed.GetValue(Groups) is { Length: > 0 } groups)
            body["groups"] = new JsonArray([.. groups.Select(group => JsonValue.Create(group))]);
        var issued = await center.PostAsync("/api/v1/totp-accounts", body, cancellation);
        if (printer.Json)
        {
            printer.Object(issued);
            return ExitCode.Done;
        }

        printer.Line($"added {name}. Its one-time secret, shown this once:");
        printer.Facts(("secret", Query.Text(issued["totpSecret"])), ("otpauth", Query.Text(issued["otpauthUri"])));
        printer.Line("  It belongs into the client's config.ini (`secret`), mode 0600; then: signet metrics push --config FILE --value Temperatura=21.5");
        return ExitCode.Done;
    }

    public static readonly Option<string?> MySqlCsv = new("--mysql-csv") { Description = "Take over a users table: rows `username,password,totp_secret` (or `id,username,password,totp_secret`), as MySQL or a spreadsheet writes them; bcrypt hashes and TOTP secrets stay as they are", HelpName = "FILE" };

    public static async Task<ExitCode> ImportAsync(string path, ParseResult parsed, Printer printer, CancellationToken cancellation)
    {
        var users = UsersTable.Read(path);
        using var center = CenterClient.Connect(parsed);
        var rows = new JsonArray([.. users.Select(user => new JsonObject { ["username"] = user.Name, ["password"] = user.PasswordHash, ["totpSecret"] = user.Secret })]);
        var done = await center.PostAsync("/api/v1/totp-accounts/import", new JsonObject { ["users"] = rows }, cancellation);
        return Report(done, users.Count, printer);
    }

    private static ExitCode Report(JsonObject done, int asked, Printer printer)
    {
        var refused = (done["refused"] as JsonArray ?? []).Select(Query.Text).ToList();
        if (printer.Json)
            printer.Object(done);
        printer.Line($"imported {(done["imported"] as JsonArray)?.Count ?? 0} of {asked} users");
        foreach (var line in (done["warnings"] as JsonArray ?? []).Select(Query.Text))
            printer.Error.WriteLine("signet: warning: " + Printer.Inert(line));
        foreach (var line in refused)
            printer.Fail(line);
        return refused.Count == 0 ? ExitCode.Done : ExitCode.Refused;
    }

    public static readonly Option<string?> MosquittoPasswords = new("--mosquitto-passwd") { Description = "Take over a password file of Mosquitto: the passwords stay, each account is given a one-time secret (--secrets-out)", HelpName = "FILE" };
    public static readonly Option<string?> SecretsOut = new("--secrets-out") { Description = "File (0600) for the new one-time secrets: rows username,totp_secret", HelpName = "FILE" };

    public static async Task<ExitCode> ImportPasswordsAsync(string path, ParseResult parsed, Printer printer, CancellationToken cancellation)
    {
        if (parsed.GetValue(SecretsOut) is not { } secrets)
            throw new CliException(ExitCode.WrongUsage, "The accounts get one-time secrets, which their owners need: name a file for them with --secrets-out.");
        if (File.Exists(secrets))
            throw new CliException(ExitCode.Refused, $"{secrets} is there already; choose another name.");
        var users = MosquittoPasswordFile.Read(path);
        using var center = CenterClient.Connect(parsed);
        var rows = users.Select(user => (user.Name, user.PasswordHash, Secret: Base32.Encode(System.Security.Cryptography.RandomNumberGenerator.GetBytes(20)))).ToList();
        // Before the center has them: a secret that is in nobody's hands locks its account.
        KeyFile.WritePrivate(secrets, Encoding.UTF8.GetBytes(string.Concat(rows.Select(row => $"{row.Name},{row.Secret}\n"))));
        var body = new JsonObject { ["users"] = new JsonArray([.. rows.Select(row => new JsonObject { ["username"] = row.Name, ["password"] = row.PasswordHash, ["totpSecret"] = row.Secret })]) };
        return Report(await center.PostAsync("/api/v1/totp-accounts/import", body, cancellation), rows.Count, printer);
    }

    private static async Task<string> PasswordAsync(ParseResult parsed, Printer printer, CancellationToken cancellation)
    {
        if (parsed.GetValue(Password) is { } given)
        {
            printer.Error.WriteLine("signet: warning: --password can be read by every user of this machine while the command runs; use --password-stdin.");
            return given;
        }

        if (!parsed.GetValue(PasswordStdin))
            throw new CliException(ExitCode.WrongUsage, "A device with --totp needs a password: --password-stdin reads it from standard input.");
        using var input = new StreamReader(Console.OpenStandardInput(), Encoding.UTF8);
        return await input.ReadLineAsync(cancellation) is { Length: > 0 } line ? line : throw new CliException(ExitCode.WrongUsage, "Standard input held no password.");
    }
}

/// <summary>A password file of Mosquitto: <c>NAME:HASH</c> a line.</summary>
internal static class MosquittoPasswordFile
{
    private const int MaximumBytes = 16 * 1024 * 1024;

    /// <exception cref="CliException">Not such a file: says which line and why.</exception>
    public static IReadOnlyList<(string Name, string PasswordHash)> Read(string file)
    {
        var info = new FileInfo(file);
        if (!info.Exists)
            throw new CliException(ExitCode.Refused, $"There is no file {file}.");
        if (info.Length > MaximumBytes)
            throw new CliException(ExitCode.Refused, $"{file} is larger than {MaximumBytes / 1024 / 1024} MiB: is it a password file?");
        var users = new List<(string, string)>();
        var number = 0;
        foreach (var line in File.ReadLines(file))
        {
            number++;
            if (line.Length == 0 || line[0] == '#')
                continue;
            var colon = line.LastIndexOf(':');
            if (colon <= 0)
                throw new CliException(ExitCode.Refused, $"{file}, line {number} is not NAME:HASH.");
            if (colon == line.Length - 1 || line[colon + 1] != '$')
                throw new CliException(ExitCode.Refused, $"{file}, line {number} holds no hash: run `mosquitto_passwd -U {file}` first.");
            users.Add((line[..colon], line[(colon + 1)..].TrimEnd()));
        }

        return users.Count > 0 ? users : throw new CliException(ExitCode.Refused, $"{file} holds no users.");
    }
}

/// <summary>A users table as MySQL exports it: comma or tab between fields, quotes around any of them, a header or none.</summary>
internal static class UsersTable
{
    private const int MaximumBytes = 16 * 1024 * 1024; // 10,000 rows are about 2 MB

    public sealed record User(string Name, string PasswordHash, string Secret);

    /// <exception cref="CliException">Not such a table: says which line and why.</exception>
    public static IReadOnlyList<User> Read(string file)
    {
        var info = new FileInfo(file);
        if (!info.Exists)
            throw new CliException(ExitCode.Refused, $"There is no file {file}.");
        if (info.Length > MaximumBytes)
            throw new CliException(ExitCode.Refused, $"{file} is larger than {MaximumBytes / 1024 / 1024} MiB: is it a users table?");
        var users = new List<User>();
        int[]? columns = null;
        var number = 0;
        foreach (var line in File.ReadLines(file))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
                continue;
            var fields = Fields(line) ?? throw new CliException(ExitCode.Refused, $"{file}, line {number}: a quote is not closed.");
            if (columns is null)
            {
                var names = fields.Select(field => field.Trim().TrimStart('\uFEFF').ToLowerInvariant()).ToList();
                var header = new[] { names.IndexOf("username"), names.IndexOf("password"), names.IndexOf("totp_secret") };
                if (header.All(at => at >= 0))
                {
                    columns = header;
                    continue;
                }

                columns = fields.Count switch { 3 => [0, 1, 2], 4 => [1, 2, 3], _ => throw new CliException(ExitCode.Refused, $"{file}, line {number} has {fields.Count} fields; a row is username,password,totp_secret (or with an id before them).") };
            }

            if (columns.Max() >= fields.Count)
                throw new CliException(ExitCode.Refused, $"{file}, line {number} has only {fields.Count} fields.");
            users.Add(new User(fields[columns[0]], fields[columns[1]], fields[columns[2]]));
        }

        return users.Count > 0 ? users : throw new CliException(ExitCode.Refused, $"{file} holds no users.");
    }

    private static List<string>? Fields(string line)
    {
        var separator = line.Contains('\t', StringComparison.Ordinal) ? '\t' : ',';
        var fields = new List<string>();
        var field = new StringBuilder();
        var quoted = false;
        for (var at = 0; at < line.Length; at++)
        {
            var c = line[at];
            if (quoted)
            {
                if (c == '\\' && at + 1 < line.Length)
                    field.Append(line[++at]); // MySQL's own escape
                else if (c != '"')
                    field.Append(c);
                else if (at + 1 < line.Length && line[at + 1] == '"')
                    field.Append(line[++at]);
                else
                    quoted = false;
            }
            else if (c == '"' && field.Length == 0)
                quoted = true;
            else if (c == separator)
            {
                fields.Add(field.ToString());
                field.Clear();
            }
            else
                field.Append(c);
        }

        fields.Add(field.ToString());
        return quoted ? null : fields;
    }
}

using System.Globalization;
using System.Text;

namespace Signet.Audit;

/// <summary>Entries as lines for other people's tools.</summary>
public static class TextExport
{
    /// <summary>The column names of <see cref="CsvLine"/>.</summary>
    public const string CsvHeader = "seq,time,type,actor,subject,action,outcome,reason,details\r\n";

    /// <summary>RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe in front, so that opening a log never runs what an attacker wrote into it.</summary>
    public static string CsvLine(AuditEntry entry) => string.Join(',',
        entry.Sequence.ToString(CultureInfo.InvariantCulture), Time(entry), Cell(entry.Type), Cell(entry.Actor), Cell(entry.Subject), Cell(entry.Action), Cell(entry.Outcome), Cell(entry.Reason),
        Cell(entry.Details.ToJsonString())) + "\r\n";

    /// <summary>
    /// RFC 5424, one message without framing: PRI with facility 13 (log audit), the entry's time, structured data with every member, and a readable text.
    /// Severity: 4 (warning) for refusals and security events, 6 (informational) for the rest.
    /// </summary>
    public static string SyslogLine(AuditEntry entry, string host)
    {
        const int facility = 13;
        var severity = entry.Type is AuditTypes.AuthFail or AuditTypes.Replay or AuditTypes.Security or AuditTypes.Validation || entry.Outcome is "refused" or "failed" ? 4 : 6;
        // 32473 is the number that RFC 5612 sets aside for documentation and for those without one of their own.
        return string.Create(CultureInfo.InvariantCulture,
            $"<{facility * 8 + severity}>1 {Time(entry)} {Token(host, 255)} signet - {Token(entry.Type, 32)} [entry@32473 seq=\"{entry.Sequence}\" type=\"{Value(entry.Type)}\" actor=\"{Value(entry.Actor)}\" subject=\"{Value(entry.Subject)}\" action=\"{Value(entry.Action)}\" outcome=\"{Value(entry.Outcome)}\" reason=\"{Value(entry.Reason)}\" details=\"{Value(entry.Details.ToJsonString())}\"] \ufeff{Plain(entry.Actor)} {Plain(entry.Action)} {Plain(entry.Subject)}: {Plain(entry.Outcome)}{(entry.Reason.Length > 0 ? $" ({Plain(entry.Reason)})" : "")}");
    }

    /// <summary>RFC 6587 3.4.1 (and RFC 5425 over TLS): the message's length in bytes in front of it.</summary>
    public static byte[] SyslogFrame(AuditEntry entry, string host)
    {
        var message = Encoding.UTF8.GetBytes(SyslogLine(entry, host));
        return [.. Encoding.ASCII.GetBytes(message.Length.ToString(CultureInfo.InvariantCulture) + " "), .. message];
    }

    private static string Time(AuditEntry entry) => entry.Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    private static string Cell(string text)
    {
        if (text.Length == 0) return "";
        // Also behind leading blanks: some programs skip them.
        var first = text.AsSpan().TrimStart(' ');
        var isFormula = !first.IsEmpty && first[0] is '=' or '+' or '-' or '@' or '\t' or '\r' or '\n' or '|' or '%' or '\uff1d' or '\uff0b' or '\uff0d' or '\uff20';
        if (isFormula) text = "'" + text;
        return text.AsSpan().ContainsAny(",\"\r\n") || isFormula ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
    }

    // PRINTUSASCII without spaces, "-" for nothing.
    private static string Token(string text, int maximum)
    {
        var kept = new string([.. text.Where(c => c is > ' ' and < '\u007f').Take(maximum)]);
        return kept.Length == 0 ? "-" : kept;
    }

    private static string Value(string text) => Plain(text).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("]", "\\]", StringComparison.Ordinal);

    // One entry is one line, whatever somebody put into a name.
    private static string Plain(string text) => string.Create(text.Length, text, (to, from) =>
    {
        for (var i = 0; i < to.Length; i++) to[i] = char.IsControl(from[i]) ? ' ' : from[i];
    });
}

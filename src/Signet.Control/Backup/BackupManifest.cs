namespace Signet.Control;

/// <summary>The last entry of a backup: what is in it, so that nothing can be missing or changed unnoticed.</summary>
/// <param name="Program">Version that made it.</param>
/// <param name="Installation">Id of the installation.</param>
/// <param name="Made">When its newest row was read.</param>
/// <param name="Database">What the rows came from: sqlite or postgres. They travel as SQLite files in any case.</param>
/// <param name="ControlSchema">Schema version of <c>signet.db</c>.</param>
/// <param name="AuditSchema">Schema version of <c>audit/audit.db</c>.</param>
/// <param name="AuditEntries">Entries in the audit log.</param>
/// <param name="Keys">Private keys are in it.</param>
/// <param name="Files">Every file with its size and SHA-256 (lower-case hexadecimal).</param>
public sealed record BackupManifest(string Program, string Installation, DateTimeOffset Made, string Database, long ControlSchema, long AuditSchema, long AuditEntries, bool Keys, IReadOnlyList<BackupFile> Files);

/// <param name="Path">Relative, with '/'.</param>
/// <param name="Bytes">Length.</param>
/// <param name="Sha256">Lower-case hexadecimal.</param>
public sealed record BackupFile(string Path, long Bytes, string Sha256);

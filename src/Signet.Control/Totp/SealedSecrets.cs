using System.Data.Common;
using Dapper;

namespace Signet.Control;

/// <summary>What lies in signet.db under the accounts' key.</summary>
internal static class SealedSecrets
{
    public static bool Any(DbConnection connection) => connection.ExecuteScalar<long>("""
        SELECT (SELECT COUNT(*) FROM totp_account) + (SELECT COUNT(*) FROM account WHERE totp_secret IS NOT NULL) + (SELECT COUNT(*) FROM backup_code)
        """) > 0;
}

using Signet.Audit;
using Signet.Pki;
using Signet.Store;

namespace Signet.Control;

/// <summary>Turns what the rooms below say about files, keys and databases into the center's one clear line.</summary>
internal static class Clearly
{
    public static T Do<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (IsKnown(e))
        {
            throw new ControlException(Words(e), e);
        }
    }

    public static async Task<T> DoAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (IsKnown(e))
        {
            throw new ControlException(Words(e), e);
        }
    }

    private static string Words(Exception e) => e is AuditTamperedException
        ? $"the audit log is {e.Message}. It is evidence and is left as it is; `signet audit verify --offline` reads all of it and names the first bad entry." : e.Message.ReplaceLineEndings(" ");

    private static bool IsKnown(Exception e) => e is StoreException or PkiException or AuditUnavailableException or AuditTamperedException or IOException or UnauthorizedAccessException;
}

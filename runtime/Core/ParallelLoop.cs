using System.Runtime.ExceptionServices;

namespace ChannelDistillation.Core;

/// <summary>Work on several threads.</summary>
internal static class ParallelLoop
{
    /// <summary>Of several failures, the first one's own exception is thrown.</summary>
    /// <param name="threads">Most threads; null: as many as the runtime sees fit.</param>
    public static void For(int count, Action<int> act, int? threads = null)
    {
        try
        {
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads ?? -1 }, act);
        }
        catch (AggregateException several)
        {
            ExceptionDispatchInfo.Throw(several.InnerExceptions[0]);
        }
    }
}

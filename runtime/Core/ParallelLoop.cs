using System.Runtime.ExceptionServices;

namespace ChannelDistillation.Core;

/// <summary>A parallel loop that rethrows the original exception.</summary>
internal static class ParallelLoop
{
    /// <summary>Runs the action for 0 .. count - 1. If several fail, the first exception is thrown, not an AggregateException.</summary>
    /// <param name="threads">Maximum number of threads; null: chosen by the .NET runtime.</param>
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

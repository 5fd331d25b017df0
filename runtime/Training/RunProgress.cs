using System.Text.Json.Nodes;
using ChannelDistillation.Runs;

namespace ChannelDistillation.Training;

/// <summary>Progress of a run that is not being trained, from the files in its folder. Loads no tensor library.</summary>
public static class RunProgress
{
    /// <summary>Epoch (from 1) and finished steps of the newest checkpoint; (1, 0) if there is none.</summary>
    public static (int Epoch, int Step) Of(RunFolder folder)
    {
        foreach (string file in new[] { folder.State, folder.PreviousState }.Where(File.Exists))
        {
            try
            {
                return SavedState.PlaceOf(file);
            }
            catch (InvalidDataException)
            {
                // Training resumes from the previous checkpoint.
            }
        }
        return (1, 0);
    }

    /// <summary>Number of consecutive sessions, up to the last, that were cut off before they saved anything.</summary>
    public static int CutOffSessions(RunFolder folder) => folder.ReadRun() is JsonObject run ? Sessions.CutOff(run, Of(folder)) : 0;
}

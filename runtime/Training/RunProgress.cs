using System.Text.Json.Nodes;
using ChannelDistillation.Runs;

namespace ChannelDistillation.Training;

/// <summary>How far a run has come that no process is training, by the files in its folder. Loads no tensor library.</summary>
public static class RunProgress
{
    /// <summary>Epoch (from 1) and finished steps of it at the newest checkpoint; (1, 0): there is none.</summary>
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
                // Training resumes from the checkpoint before it.
            }
        }
        return (1, 0);
    }

    /// <summary>How many sessions in a row, up to the last, were cut off before they saved anything: by the run itself, or by what ended their process.</summary>
    public static int CutOffSessions(RunFolder folder) => folder.ReadRun() is JsonObject run ? Sessions.CutOff(run, Of(folder)) : 0;
}

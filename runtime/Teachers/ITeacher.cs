using ChannelDistillation.Data;
using ChannelDistillation.Losses;
using ChannelDistillation.Models;

namespace ChannelDistillation.Teachers;

/// <summary>What a cohort learns from.</summary>
public interface ITeacher : IDisposable
{
    /// <summary>What is asked of the teacher about a batch; lives in the current dispose scope.</summary>
    /// <param name="epoch">Counted from 1: it says how the images of the batch were varied.</param>
    TeacherSignals Run(Batch batch, int epoch, Taps taps);
}

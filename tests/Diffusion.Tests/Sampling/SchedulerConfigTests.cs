using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Sampling;

namespace PromptToPrompt.Diffusion.Tests.Sampling;

public sealed class SchedulerConfigTests
{
    [Fact]
    public void TheConfigOfStableDiffusion15IsRead()
    {
        var config = Read("""
            {"_class_name": "PNDMScheduler", "_diffusers_version": "0.6.0", "beta_end": 0.012, "beta_schedule": "scaled_linear",
             "beta_start": 0.00085, "num_train_timesteps": 1000, "set_alpha_to_one": false, "skip_prk_steps": true, "steps_offset": 1,
             "trained_betas": null, "clip_sample": false}
            """);
        Assert.Equal(SchedulerKind.Pndm, config.PreferredScheduler);
        Assert.Equal((0.00085, 0.012, BetaSchedule.ScaledLinear), (config.Noise.BetaStart, config.Noise.BetaEnd, config.Noise.BetaSchedule));
        Assert.Equal((1, false, false, true), (config.StepsOffset, config.Ddim.SetAlphaToOne, config.Pndm.SetAlphaToOne, config.Pndm.SkipPrkSteps));
        Assert.Equal((PredictionType.Epsilon, null, null), (config.PredictionType, config.TimestepSpacing, config.Noise.TrainedBetas));
    }

    [Fact]
    public void WhatIsMissingHasTheFormatsDefaults() => Assert.Equal(new SchedulerConfig { ClassName = "" }, Read("{}"));

    [Theory]
    [InlineData("""{"prediction_type": "flow"}""", "prediction_type", "epsilon, v_prediction, sample")]
    [InlineData("""{"beta_schedule": "sigmoid"}""", "beta_schedule", "squaredcos_cap_v2")]
    [InlineData("""{"timestep_spacing": 3}""", "timestep_spacing", "text")]
    [InlineData("""{"thresholding": true}""", "thresholding", "not support")]
    [InlineData("""{"use_lu_lambdas": true}""", "use_lu_lambdas", "not support")]
    [InlineData("""{"num_train_timesteps": 0}""", "num_train_timesteps", "at least 2")]
    [InlineData("""{"trained_betas": [0.1]}""", "trained_betas", "1000")]
    [InlineData("""{"trained_betas": ["a"]}""", "trained_betas", "numbers")]
    [InlineData("""{"clip_sample": "no"}""", "clip_sample", "true or false")]
    public void WhatCannotBeComputedWithIsNamed(string json, string field, string expected)
    {
        var error = Assert.Throws<InvalidInputException>(() => Read(json));
        Assert.Contains(field, error.Message);
        Assert.Contains(expected, error.Message);
    }

    [Fact]
    public void AConfigForAnotherSchedulerCanBeUsedWithDdim()
    {
        var config = Read("""{"_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "sde-dpmsolver++", "solver_order": 3}""");
        using var scheduler = config.CreateScheduler(SchedulerKind.Ddim, 10);
        Assert.Equal(10, scheduler.Timesteps.Count);
    }

    private static SchedulerConfig Read(string json) => SchedulerGoldens.Config(JsonNode.Parse(json)!.AsObject());
}

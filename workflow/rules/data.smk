rule data:
    """Download and verify the images of a data set, and store those that an experiment uses."""
    input:
        inputs.own_file,
        same=inputs.same_data,
    output:
        paths.DATA,
    log:
        paths.log(paths.DATA),
    benchmark:
        paths.benchmark(paths.DATA)
    group:
        "data"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("data"),
        runtime=costs.minutes("data"),
        data_root=config["data"]["root"],  # a resource, since the folder does not change the result
    params:
        *code("data"),
        settings=jobs.data,
    script:
        "../scripts/data.py"


rule test_file:
    """Store the whole test file of a data set."""
    input:
        inputs.own_file,
        data=paths.DATA,
        same=inputs.same_test_file,
    output:
        paths.TEST_FILE,
    log:
        paths.log(paths.TEST_FILE),
    benchmark:
        paths.benchmark(paths.TEST_FILE)
    group:
        "data"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=costs.mb("test_file"),
        runtime=costs.minutes("test_file"),
        data_root=config["data"]["root"],  # a resource, since the folder does not change the result
    params:
        *code("test_file"),
        settings=jobs.test_file,
    script:
        "../scripts/test_file.py"
